"""Every error of Aegis' table: status, code, field and headers."""

from datetime import UTC, datetime, timedelta

import pytest

from api.access import Forbidden, Unauthenticated
from api.aegis.errors import CODES, FAULT, TITLES, BodyTooLarge, MalformedRequest, MethodNotAllowed, WrongType, refused
from api.limits import Allowance, TooManyCalls
from common.addresses import AddressFault, InvalidAddress, InvalidMailbox
from common.errors import Conflict, InvalidInput, LettershopError, NotFound, Refused, Unavailable
from outbound.submission.faults import (
    Maintenance,
    MissingField,
    ProvidersDown,
    QueueFull,
    RecipientSuppressed,
    SenderRefused,
    TooLarge,
    TooManyRecipients,
)
from outbound.submission.ids import UnknownMessage
from tenants.services.usage import DailyQuotaExceeded

NOW = datetime(2024, 8, 2, 19, 30, tzinfo=UTC)
ALLOWANCE = Allowance(100, 0, 1_722_630_000)

TABLE: list[tuple[LettershopError, int, str, str | None]] = [
    (Unauthenticated("The API key is missing."), 401, "INVALID_API_KEY", None),
    (Forbidden("It lacks the scope."), 403, "FORBIDDEN", None),
    (MethodNotAllowed("no"), 405, "METHOD_NOT_ALLOWED", None),
    (MalformedRequest("no JSON"), 400, "INVALID_JSON", None),
    (MissingField("There is nothing to send.", field="text"), 400, "MISSING_FIELD", "body"),
    (MissingField("There is nobody.", field="to"), 400, "MISSING_FIELD", "to"),
    (InvalidAddress(AddressFault.NO_AT_SIGN, field="to[0]"), 400, "INVALID_EMAIL", "to"),
    (InvalidAddress(AddressFault.NO_AT_SIGN, field="cc[3]"), 400, "INVALID_EMAIL", "cc[3].email"),
    (InvalidAddress(AddressFault.NO_AT_SIGN, field="reply_to[0]"), 400, "INVALID_EMAIL", "replyTo"),
    (InvalidMailbox("two", field="reply_to[0]"), 400, "INVALID_EMAIL", "replyTo"),
    (InvalidInput("a line break in a name", field="to[0]"), 400, "VALIDATION_FAILED", "toName"),
    (InvalidInput("a line break in a name", field="bcc[1]"), 400, "VALIDATION_FAILED", "bcc[1].name"),
    (InvalidInput("a line break", field="subject"), 400, "VALIDATION_FAILED", "subject"),
    (InvalidInput("NUL", field="html"), 400, "VALIDATION_FAILED", "body"),
    (InvalidInput("no", field="headers.X-A"), 400, "VALIDATION_FAILED", "headers.X-A"),
    (InvalidInput("no", field="attachments[0].filename"), 400, "VALIDATION_FAILED", "attachments[0].name"),
    (InvalidInput("no", field="attachments[0].content"), 400, "VALIDATION_FAILED", "attachments[0].content"),
    (WrongType("no", field="cc[0]"), 400, "VALIDATION_FAILED", "cc[0]"),
    (TooManyRecipients("100 at most", field="cc"), 400, "TOO_MANY_RECIPIENTS", "cc"),
    (TooLarge("too much", field="attachments"), 413, "PAYLOAD_TOO_LARGE", "attachments"),
    (BodyTooLarge(), 413, "PAYLOAD_TOO_LARGE", None),
    (RecipientSuppressed("dead", field="to[0]"), 400, "RECIPIENT_SUPPRESSED", "to"),
    (RecipientSuppressed("dead", field="bcc[0]"), 400, "RECIPIENT_SUPPRESSED", "bcc[0].email"),
    (SenderRefused("none", field="from"), 400, "SENDER_REFUSED", None),
    (Refused("a rule"), 403, "FORBIDDEN", None),
    (UnknownMessage(), 404, "MESSAGE_NOT_FOUND", None),
    (NotFound("no"), 404, "NOT_FOUND", None),
    (Conflict("another body"), 409, "CONFLICT", None),
    (DailyQuotaExceeded("used up", limit=5, resets_at=NOW + timedelta(hours=4)), 429, "QUOTA_EXCEEDED", None),
    (TooManyCalls("slow down", allowance=ALLOWANCE, retry_after=3600), 429, "RATE_LIMIT_EXCEEDED", None),
    (QueueFull("full"), 503, "QUEUE_FULL", None),
    (ProvidersDown("down"), 503, "SMTP_UNAVAILABLE", None),
    (Maintenance("closed", until=None), 503, "MAINTENANCE", None),
    (Unavailable("away"), 503, "SERVICE_UNAVAILABLE", None),
]


@pytest.mark.parametrize(("error", "status", "code", "field"), TABLE, ids=[f"{row[2]} {row[3]}" for row in TABLE])
def test_an_error_is_said_in_aegis_words(error: LettershopError, status: int, code: str, field: str | None) -> None:
    told, body, headers = refused(error, request_id="r", now=NOW)
    assert told == status
    assert body["code"] == code
    assert body["error"] == TITLES[status]
    assert body["timestamp"] == "2024-08-02T19:30:00+00:00"
    assert body.get("field") == field
    extra = {"field"} if field else set()
    if status in (429, 503):
        extra |= {"retry_after"}
        assert headers["Retry-After"] == str(body["retry_after"])
    assert set(body) == {"error", "message", "code", "timestamp"} | extra


def test_every_code_of_the_table_is_tried() -> None:
    assert {row[2] for row in TABLE} == {code for _, _, code in CODES}


def test_the_examples_of_the_reference_are_said_word_for_word() -> None:
    _, key, headers = refused(Unauthenticated("The API key is missing."), request_id="r", now=NOW)
    assert (key["error"], key["message"], key["code"]) == ("Unauthorized", "Invalid API key", "INVALID_API_KEY")
    assert headers["WWW-Authenticate"].startswith("Bearer")
    _, limit, headers = refused(TooManyCalls("x", allowance=ALLOWANCE, retry_after=3600), request_id="r", now=NOW)
    assert (limit["error"], limit["message"]) == ("Too Many Requests", "Rate limit exceeded. Try again later.")
    assert limit["retry_after"] == 3600
    assert headers == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1722630000",
        "Retry-After": "3600",
    }
    _, email, _ = refused(InvalidAddress(AddressFault.NO_AT_SIGN, field="to[0]"), request_id="r", now=NOW)
    assert (email["error"], email["message"], email["field"]) == ("Validation Failed", "Invalid email address", "to")


def test_what_nobody_foresaw_says_nothing_of_itself() -> None:
    status, body, headers = refused(RuntimeError("password=hunter2"), request_id="r", now=NOW)
    assert (status, body["code"], body["error"]) == (500, FAULT, "Internal Server Error")
    assert "hunter2" not in str(body)
    assert headers == {}


def test_half_characters_can_be_told() -> None:
    _, body, _ = refused(InvalidInput("\ud800 cannot be", field="headers.X-\udfff"), request_id="r", now=NOW)
    assert str(body).encode()
