"""The gateway's errors, and what is read of its bodies."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.access import Forbidden, Unauthenticated
from api.gateway.errors import BodyTooLarge, MethodNotAllowed, Unprocessable, not_json, refused
from api.gateway.quota import daily_limit
from api.gateway.reading import read
from api.limits import Allowance, TooManyCalls
from common.addresses import AddressFault, InvalidAddress
from common.errors import Conflict, InvalidInput, LettershopError, NotFound, Unavailable
from outbound.submission.faults import (
    Maintenance,
    MissingField,
    ProvidersDown,
    QueueFull,
    RecipientSuppressed,
    SenderRefused,
    TooLarge,
)
from outbound.submission.types import Door, Mailbox
from tenants.services.usage import DailyQuotaExceeded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN: dict[str, Any] = {"to": "ann@example.com", "subject": "Hello", "text_body": "Good day."}

SENTENCES: list[tuple[Exception, int]] = [
    (Unauthenticated("x"), 401),
    (Forbidden("x"), 403),
    (NotFound("x"), 404),
    (MethodNotAllowed(), 405),
    (Conflict("x"), 409),
    (TooLarge("x", field="html"), 413),
    (BodyTooLarge(), 413),
    (DailyQuotaExceeded("x", limit=15, resets_at=NOW + timedelta(hours=12)), 429),
    (TooManyCalls("x", allowance=Allowance(600, 0, 1), retry_after=7), 429),
    (QueueFull("x"), 503),
    (ProvidersDown("x"), 503),
    (Maintenance("x", until=None), 503),
    (Unavailable("x"), 503),
    (RuntimeError("password=hunter2"), 500),
]
LISTS: list[tuple[LettershopError, list[Any], str]] = [
    (MissingField("x", field="text"), ["body", "text_body"], "missing"),
    (InvalidAddress(AddressFault.NO_AT_SIGN, field="to[0]"), ["body", "to"], "value_error"),
    (InvalidInput("x", field="html"), ["body", "html_body"], "value_error"),
    (InvalidInput("x", field="headers.X-A.B"), ["body", "headers", "X-A.B"], "value_error"),
    (InvalidInput("x"), ["body"], "value_error"),
    (RecipientSuppressed("x", field="to[0]"), ["body", "to"], "recipient_suppressed"),
    (SenderRefused("x", field="from"), ["body"], "sender_refused"),
    (not_json("Expecting value", 7), ["body", 7], "json_invalid"),
]


@pytest.mark.parametrize(("error", "status"), SENTENCES, ids=[f"{row[1]} {type(row[0]).__name__}" for row in SENTENCES])
def test_most_errors_are_a_sentence(error: Exception, status: int) -> None:
    told, body, headers = refused(error, request_id="r", now=NOW)
    assert told == status
    assert list(body) == ["detail"]
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert "hunter2" not in body["detail"]
    assert ("Retry-After" in headers) == (status in (429, 503))
    assert ("X-RateLimit-Limit" in headers) == (status == 429)


@pytest.mark.parametrize(("error", "loc", "kind"), LISTS, ids=[row[2] + str(row[1]) for row in LISTS])
def test_what_cannot_be_used_is_a_list(error: LettershopError, loc: list[Any], kind: str) -> None:
    status, body, _ = refused(error, request_id="r", now=NOW)
    assert status == 422
    ((fault),) = body["detail"]
    assert list(fault) == ["loc", "msg", "type"]
    assert (fault["loc"], fault["type"]) == (loc, kind)
    assert fault["msg"]


def test_every_field_is_read() -> None:
    message = read(
        PLAIN
        | {"html_body": "<p>Good day.</p>", "headers": {"Reply-To": "desk@example.com", "X-Priority": "1"}, "more": 1}
    )
    assert (message.door, message.to, message.sender) == (Door.GATEWAY, (Mailbox("ann@example.com"),), None)
    assert (message.subject, message.html, message.text) == ("Hello", "<p>Good day.</p>", "Good day.")
    assert message.headers == (("Reply-To", "desk@example.com"), ("X-Priority", "1"))
    assert message.priority == 1


@pytest.mark.parametrize(
    ("given", "priority"),
    [
        ("1", 1),
        ("1 (Highest)", 1),
        ("5", 5),
        ("3", 3),
        ("0", 3),
        ("6", 3),
        ("12", 3),
        ("high", 3),
        ("", 3),
        (" " * 99, 3),
    ],
)
def test_a_priority_among_the_headers_orders_the_queue(given: str, priority: int) -> None:
    assert read(PLAIN | {"headers": {"x-priority": given}}).priority == priority


@pytest.mark.parametrize("name", ["html_body", "headers"])
def test_null_is_as_if_left_out(name: str) -> None:
    assert read(PLAIN | {name: None}) == read(PLAIN)


MISSING, TEXT = "missing", "string_type"
BAD: list[tuple[str, Any, list[tuple[tuple[Any, ...], str]]]] = [
    ("no body", None, [((), MISSING)]),
    ("a list", [], [((), "model_attributes_type")]),
    ("a text", "x", [((), "model_attributes_type")]),
    ("nothing", {}, [(("to",), MISSING), (("subject",), MISSING)]),
    ("no content", {"to": "a", "subject": "b"}, [(("html_body",), MISSING)]),
    ("an empty text", PLAIN | {"text_body": ""}, [(("text_body",), MISSING)]),
    ("null as to", PLAIN | {"to": None}, [(("to",), TEXT)]),
    ("a list as to", PLAIN | {"to": ["a@b.example"]}, [(("to",), TEXT)]),
    ("numbers", PLAIN | {"subject": 1, "html_body": 2}, [(("subject",), TEXT), (("html_body",), TEXT)]),
    ("a list as headers", PLAIN | {"headers": ["X-A"]}, [(("headers",), "dict_type")]),
    ("a number as header", PLAIN | {"headers": {"X-A": 1}}, [(("headers", "X-A"), TEXT)]),
    ("1,000 headers", PLAIN | {"headers": {f"X-{n}": "a" for n in range(1_000)}}, [(("headers",), "too_long")]),
]


@pytest.mark.parametrize(("body", "faults"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_everything_that_is_wrong_is_told_at_once(body: Any, faults: list[Any]) -> None:
    with pytest.raises(Unprocessable) as caught:
        read(body)
    assert [(fault.place, fault.kind) for fault in caught.value.faults] == faults


def test_half_characters_can_be_told() -> None:
    with pytest.raises(Unprocessable) as caught:
        read(PLAIN | {"headers": {"X-\ud800": 1}})
    _, body, _ = refused(caught.value, request_id="r", now=NOW)
    assert str(body).encode()


def test_g03_a_day_has_15_sends_where_nobody_says_otherwise() -> None:
    assert daily_limit(of_key=None, of_plan=None) == 15
    assert daily_limit(of_key=3, of_plan=None) == 3
    assert daily_limit(of_key=3, of_plan=1_000) == 3
    assert daily_limit(of_key=None, of_plan=1_000) is None
