"""A2: `GET /send/{id}/status`, without a key."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outbound.states import RecipientState
from outbound.submission.ids import public_id
from tenants.models import Tenant
from tests.api.clients.cast import Program, make_ready, number_of, program

HELLO: dict[str, Any] = {"to": "ann@example.com", "subject": "Secret subject", "body": "Secret body."}
FIELDS = ["message_id", "lookup_date", "timestamp", "status", "message"]


@pytest.fixture
def shop(acme: Tenant) -> Program:
    make_ready()
    return program(acme, "/send")


@pytest.fixture
def message(shop: Program) -> str:
    return str(shop.send(HELLO).json()["message_id"])


def ended(message: str, state: int, *, reason: str = "", code: int | None = None) -> None:
    """As a sender leaves it."""
    number = number_of(message)
    words = {RecipientState.SENT: "sent", RecipientState.DELIVERED: "delivered", RecipientState.FAILED: "failed"}
    words |= {RecipientState.BOUNCED_HARD: "bounced", RecipientState.IN_DOUBT: "in_doubt"}
    words |= {RecipientState.CANCELLED: "cancelled", RecipientState.SUPPRESSED: "failed"}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbound_queue WHERE message_id = %s RETURNING month", [number])
        (month,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, attempts, code, reason, at)"
            " VALUES (%s, %s, 0, 0, %s, 2, %s, %s, '2024-08-02T18:45:00Z')",
            [month, number, state, code, reason],
        )
        cursor.execute(
            "UPDATE outbound_submission SET state = %s, processed_at = now() WHERE message_id = %s",
            [words[RecipientState(state)], number],
        )


def ask(shop: Program, message: str, query: str = "", **headers: str) -> Any:
    return shop.get(f"/send/{message}/status{query}", **{"x_api_key": "", **headers})


def test_a02_a_message_that_waits_is_queued(shop: Program, message: str) -> None:
    answer = ask(shop, message)
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == FIELDS
    assert body["message_id"] == message
    assert body["lookup_date"] == datetime.now(UTC).date().isoformat()
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    assert (body["status"], body["message"]) == ("queued", "Email queued for delivery")


@pytest.mark.parametrize(
    ("state", "status", "sentence"),
    [
        (RecipientState.SENT, "sent", "Email delivered successfully"),
        (RecipientState.DELIVERED, "delivered", "Email delivered successfully"),
        (RecipientState.CANCELLED, "cancelled", "Email cancelled"),
        (RecipientState.IN_DOUBT, "in_doubt", "Email handed over, its delivery was not confirmed"),
    ],
)
def test_a02_statuses_as_they_happen(shop: Program, message: str, state: int, status: str, sentence: str) -> None:
    ended(message, state, code=250, reason="queued as 4711 for ann@example.com")
    body = ask(shop, message).json()
    assert list(body) == FIELDS
    assert (body["status"], body["message"]) == (status, sentence)


@pytest.mark.parametrize(
    ("state", "status", "sentence"),
    [
        (RecipientState.FAILED, "failed", "Email delivery failed"),
        (RecipientState.BOUNCED_HARD, "bounced", "Email bounced"),
    ],
)
def test_a02_a_loss_has_details_without_people_and_machines(
    shop: Program, message: str, state: int, status: str, sentence: str
) -> None:
    ended(message, state, code=550, reason="5.1.1 <ann@example.com> unknown at mx1.example.com[192.0.2.1]")
    body = ask(shop, message).json()
    assert list(body) == [*FIELDS, "details"]
    assert (body["status"], body["message"]) == (status, sentence)
    assert body["details"] == {
        "message_id": message,
        "failed_at": "2024-08-02T18:45:00+00:00",
        "attempts": 2,
        "last_error": "5.1.1 <[address]> unknown at [host][[host]]",
    }


def test_a02_a_deferred_one_will_be_tried_again(shop: Program, message: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbound_submission SET state = 'deferred' WHERE message_id = %s", [number_of(message)])
    body = ask(shop, message).json()
    assert (list(body), body["status"]) == (FIELDS, "deferred")


def test_a02_it_says_nothing_of_who_and_what(shop: Program, message: str) -> None:
    said = ask(shop, message).content.decode()
    for word in ("ann@example.com", "Secret", "acme", "Acme", "shop.example"):
        assert word not in said


@pytest.mark.parametrize("date", ["2024-08-02", "1999-01-01", "tomorrow", "2024-13-45", "", "%00", "a" * 3000])
def test_a02_the_date_is_a_hint_only(shop: Program, message: str, date: str) -> None:
    answer = ask(shop, message, f"?date={date}")
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")


def test_a02_every_spelling_of_the_id_is_read(shop: Program, message: str) -> None:
    bare = message.removeprefix("msg_")
    for spelling in (bare, f"msg-{bare}", bare.upper()):
        assert ask(shop, spelling).json()["message_id"] == message
    assert shop.get(f"/send/{message}/status/", x_api_key="").status_code == 200


@pytest.mark.parametrize(
    "name",
    ["msg_abc123def456", "1", "msg_", "msg_" + "a" * 26, "msg_" + "ä" * 26, "%00", "..%2F..", "a" * 5000, "msg_'--"],
)
def test_a02_what_is_no_id_is_404(shop: Program, name: str) -> None:
    answer = ask(shop, name)
    assert answer.status_code == 404
    body = answer.json()
    assert set(body) == {"error", "message", "code", "timestamp"}
    assert (body["error"], body["message"], body["code"]) == ("Not Found", "Message not found", "MESSAGE_NOT_FOUND")


def test_a02_an_id_of_nothing_and_of_nobody_is_404(shop: Program, acme: Tenant) -> None:
    for name in (public_id(acme.pk, 2**40), public_id(4_000_000_000, 1), public_id(0, 1)):
        assert ask(shop, name).json()["code"] == "MESSAGE_NOT_FOUND"


def test_a02_on_another_tenants_host_it_is_404(shop: Program, message: str, globex: Tenant) -> None:
    assert ask(shop, message, host="globex.testserver").status_code == 404
    assert ask(shop, message, host="acme.testserver").status_code == 200


def test_a02_a_wrong_key_makes_no_difference(shop: Program, message: str) -> None:
    assert ask(shop, message, x_api_key="wrong").status_code == 200


def test_a02_other_methods_are_405(shop: Program, message: str) -> None:
    answer = shop.call("POST", f"/send/{message}/status", {})
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_a02_many_recipients_cost_no_more_queries(shop: Program) -> None:
    counts = []
    for others in (1, 40):
        cc = [{"email": f"a{number}@example.com"} for number in range(others)]
        name = shop.send(HELLO | {"cc": cc}).json()["message_id"]
        with CaptureQueriesContext(connection) as queries:
            assert ask(shop, name).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
