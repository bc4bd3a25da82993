"""R12 to R15: recipients over HTTP are the workspace's contacts, and their figures are those of the engine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Suppression, Tag
from outbound.events import record_events
from outbound.recording import Hit
from outbound.states import EventKind, RecipientState
from tenants.models import Tenant
from tests.api.relay_cast import MOMENT, Relay, refusal, relay
from tests.outbound.recipients import sent_message
from tests.outbound.submission_cast import end, submitted
from tests.outbound.submission_cast import people as mailboxes

JOHN = "john.doe@example.com"


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    return relay(acme)


def add(caller: Relay, email: str = JOHN, **fields: Any) -> dict[str, Any]:
    answer = caller.post("recipients", {"email": email, **fields})
    assert answer.status_code == 201, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def contact(email: str = JOHN) -> Contact:
    return Contact.objects.get(email_key=email)


def test_r14_a_recipient_is_added_as_printed(caller: Relay) -> None:
    body = {
        "email": "new.user@example.com",
        "workspace_id": caller.tenant.workspace_id,
        "first_name": "New",
        "last_name": "User",
        "opt_in": True,
        "metadata": {"source": "api", "tags": ["newsletter"]},
    }
    answer = caller.post("recipients", body)
    made = contact("new.user@example.com")
    assert answer.status_code == 201
    assert answer.json() == {
        "success": True,
        "data": {
            "id": made.pk,
            "email": "new.user@example.com",
            "status": "ACTIVE",
            "created_at": made.created_at.strftime(MOMENT),
        },
    }
    assert (made.first_name, made.last_name, made.attributes) == ("New", "User", {"source": "api"})
    assert made.consent_at is not None
    assert [Tag.objects.get(pk=tag).slug for tag in made.tags] == ["newsletter"]


def test_r14_who_has_not_opted_in_is_not_mailed_yet(caller: Relay) -> None:
    assert add(caller, opt_in=False)["status"] == "UNCONFIRMED"
    assert contact().consent_at is None


def test_r14_an_address_on_the_suppression_list_is_added_and_not_mailed(caller: Relay) -> None:
    Suppression.objects.create(email=JOHN, email_key=JOHN, reason="unsubscribed")
    assert add(caller, opt_in=True)["status"] == "UNSUBSCRIBED"


def test_r14_an_address_that_is_there_already_is_a_conflict(caller: Relay) -> None:
    add(caller)
    assert refusal(caller.post("recipients", {"email": JOHN.upper()})) == (409, "CONFLICT", "email")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "MISSING_REQUIRED_FIELD", "email"),
        ({"email": ""}, "MISSING_REQUIRED_FIELD", "email"),
        ({"email": "nobody"}, "INVALID_EMAIL_FORMAT", None),
        ({"email": 7}, "INVALID_REQUEST", "email"),
        ({"email": JOHN, "first_name": 7}, "INVALID_REQUEST", "first_name"),
        ({"email": JOHN, "first_name": "a\nb"}, "INVALID_REQUEST", "first_name"),
        ({"email": JOHN, "last_name": "\ud800"}, "INVALID_REQUEST", "last_name"),
        ({"email": JOHN, "opt_in": "yes"}, "INVALID_REQUEST", "opt_in"),
        ({"email": JOHN, "user_id": 7}, "INVALID_REQUEST", "user_id"),
        ({"email": JOHN, "metadata": []}, "INVALID_REQUEST", "metadata"),
        ({"email": JOHN, "metadata": {"Not A Key": 1}}, "INVALID_REQUEST", "metadata"),
        ({"email": JOHN, "metadata": {"note": "\ud800"}}, "INVALID_REQUEST", "metadata"),
        ({"email": JOHN, "metadata": {"tags": "newsletter"}}, "INVALID_REQUEST", "metadata.tags"),
        ({"email": JOHN, "metadata": {"tags": [7]}}, "INVALID_REQUEST", "metadata.tags"),
        ({"email": JOHN, "metadata": {"tags": ["x" * 200]}}, "INVALID_REQUEST", "metadata.tags"),
    ],
    ids=ascii,
)
def test_r14_what_cannot_be_used_is_refused_with_its_name(
    caller: Relay, body: dict[str, Any], code: str, field: str | None
) -> None:
    answer = refusal(caller.post("recipients", body))
    assert answer[:2] == (400, code)
    assert field is None or answer[2] == field
    assert not Contact.objects.exists()
    assert not Tag.objects.exists()


def test_r12_recipients_are_listed_as_printed(caller: Relay) -> None:
    add(caller, first_name="John", last_name="Doe", metadata={"source": "signup", "tags": ["newsletter", "updates"]})
    add(caller, "gone@example.com")
    caller.put("recipients/gone@example.com", {"status": "BOUNCED"})
    answer = caller.get(f"recipients?workspace_id={caller.tenant.workspace_id}&status=ACTIVE&limit=20")
    john = contact()
    assert (answer.status_code, answer.headers["X-Total-Count"], answer.headers["X-Per-Page"]) == (200, "1", "20")
    assert answer.json() == {
        "success": True,
        "data": {
            "recipients": [
                {
                    "id": john.pk,
                    "email": JOHN,
                    "workspace_id": caller.tenant.workspace_id,
                    "first_name": "John",
                    "last_name": "Doe",
                    "status": "ACTIVE",
                    "bounce_count": 0,
                    "created_at": john.created_at.strftime(MOMENT),
                    "updated_at": john.updated_at.strftime(MOMENT),
                    "metadata": {"source": "signup", "tags": ["newsletter", "updates"]},
                }
            ],
            "pagination": {"total": 1, "limit": 20, "offset": 0},
        },
    }
    assert [one["status"] for one in caller.get("recipients").json()["data"]["recipients"]] == ["BOUNCED", "ACTIVE"]
    assert refusal(caller.get("recipients?status=LOST")) == (400, "INVALID_REQUEST", "status")


def test_r12_a_list_has_pages(caller: Relay) -> None:
    for n in range(5):
        add(caller, f"p{n}@example.com")
    page = caller.get("/v1/recipients?limit=2&offset=2")
    assert [one["email"] for one in page.json()["data"]["recipients"]] == ["p2@example.com", "p1@example.com"]
    assert page.json()["data"]["pagination"] == {"total": 5, "limit": 2, "offset": 2}
    assert (
        page.headers["Link"]
        == '</v1/recipients?limit=2&page=3>; rel="next", </v1/recipients?limit=2&page=3>; rel="last"'
    )
    assert (page.headers["X-Current-Page"], page.headers["X-Page-Count"]) == ("2", "3")


def test_r12_a_list_of_many_costs_as_many_queries_as_one_of_one(caller: Relay) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert caller.get("recipients").status_code == 200
        return len(seen)

    add(caller, metadata={"tags": ["one"]})
    queries()
    of_one = queries()
    for n in range(12):
        add(caller, f"p{n}@example.com", metadata={"tags": ["one", f"tag-{n}"]})
    assert queries() == of_one


def test_r13_a_recipient_is_told_with_all_that_happened(caller: Relay) -> None:
    """Two campaign messages and three single ones reached John, one of each was opened; a campaign and a single one bounced."""
    campaigns = [sent_message(3, links=[{"url": "https://example.com/"}]) for _ in range(3)]
    john = Contact.objects.order_by("pk").first()
    assert john is not None
    for message in campaigns[1:]:
        give_to(message.pk, john.pk)
    Contact.objects.filter(pk=john.pk).update(email=JOHN, email_key=JOHN, first_name="John", last_name="Doe")
    bounce(campaigns[2].pk, RecipientState.BOUNCED_SOFT, at=datetime(2026, 11, 1, 9, tzinfo=UTC))
    singles = [submitted(to=mailboxes("bo@example.com", JOHN)).message_id for _ in range(4)]
    for message_id in singles[:3]:
        end(message_id, RecipientState.SENT, RecipientState.SENT)
    end(singles[3], RecipientState.SENT, RecipientState.BOUNCED_HARD)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_recipient SET contact_id = %s, at = '2026-11-02T09:00Z' WHERE message_id = %s AND position = 1",
            [john.pk, singles[3]],
        )
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    hits = [
        Hit(EventKind.OPEN, campaigns[0].pk, 0, first),
        Hit(EventKind.OPEN, campaigns[0].pk, 0, first + timedelta(hours=1)),
        Hit(EventKind.CLICK, campaigns[0].pk, 0, first + timedelta(hours=2), 0),
        Hit(EventKind.OPEN, campaigns[1].pk, 1, first + timedelta(hours=3)),  # somebody else
        Hit(EventKind.OPEN, singles[0], 1, first + timedelta(minutes=30)),
        Hit(EventKind.OPEN, singles[0], 0, first + timedelta(hours=4)),  # Bo
    ]
    assert record_events(hits).recorded == len(hits)
    data = caller.get(f"recipients/{JOHN}").json()["data"]
    assert data["engagement"] == {
        "total_received": 5,
        "total_opened": 2,
        "total_clicked": 1,
        "last_open_date": (first + timedelta(hours=1)).strftime(MOMENT),
        "last_click_date": (first + timedelta(hours=2)).strftime(MOMENT),
    }
    assert (data["bounce_count"], data["last_bounce_date"], data["bounce_type"]) == (2, "2026-11-02T09:00:00Z", "hard")
    listed = {one["email"]: one["bounce_count"] for one in caller.get("recipients").json()["data"]["recipients"]}
    assert listed == {JOHN: 2, **{email: 0 for email in listed if email != JOHN}}


def test_r13_a_recipient_is_answered_as_printed(caller: Relay) -> None:
    add(
        caller,
        first_name="John",
        last_name="Doe",
        opt_in=True,
        user_id="user-789",
        metadata={
            "source": "signup",
            "tags": ["newsletter", "updates"],
            "preferences": {"frequency": "weekly", "topics": ["medical", "research"]},
        },
    )
    john = contact()
    assert caller.get(f"recipients/{JOHN}").json() == {
        "success": True,
        "data": {
            "id": john.pk,
            "email": JOHN,
            "workspace_id": caller.tenant.workspace_id,
            "user_id": "user-789",
            "campaign_id": None,
            "first_name": "John",
            "last_name": "Doe",
            "status": "ACTIVE",
            "opt_in_date": (john.consent_at or datetime.now(UTC)).strftime(MOMENT),
            "opt_out_date": None,
            "bounce_count": 0,
            "last_bounce_date": None,
            "bounce_type": None,
            "engagement": {
                "total_received": 0,
                "total_opened": 0,
                "total_clicked": 0,
                "last_open_date": None,
                "last_click_date": None,
            },
            "metadata": {
                "source": "signup",
                "tags": ["newsletter", "updates"],
                "preferences": {"frequency": "weekly", "topics": ["medical", "research"]},
            },
            "created_at": john.created_at.strftime(MOMENT),
            "updated_at": john.updated_at.strftime(MOMENT),
        },
    }


def test_r13_who_left_has_a_date_of_leaving(caller: Relay) -> None:
    add(caller)
    caller.put(f"recipients/{JOHN}", {"status": "UNSUBSCRIBED"})
    data = caller.get(f"recipients/{JOHN}").json()["data"]
    left = Suppression.objects.get(email_key=JOHN).created_at
    assert (data["status"], data["opt_out_date"]) == ("UNSUBSCRIBED", left.strftime(MOMENT))


@pytest.mark.parametrize("spelling", ["JOHN.DOE@EXAMPLE.COM", "john.doe%40example.com"])
def test_r13_every_spelling_of_the_address_finds_the_recipient(caller: Relay, spelling: str) -> None:
    add(caller)
    assert caller.get(f"recipients/{spelling}").json()["data"]["email"] == JOHN


def test_r13_an_address_may_hold_a_slash(caller: Relay) -> None:
    add(caller, "sales/north@example.com")
    assert caller.get("recipients/sales/north@example.com").json()["data"]["email"] == "sales/north@example.com"


def test_r13_an_address_that_is_not_theirs_is_not_found(caller: Relay, globex: Tenant) -> None:
    add(caller)
    stranger = relay(globex)
    for method, body in (("GET", None), ("PUT", {"first_name": "X"}), ("DELETE", None)):
        answer = stranger.call(method, f"recipients/{JOHN}", body)
        assert refusal(answer) == (404, "RECIPIENT_NOT_FOUND", "email")
    assert contact().first_name == ""
    assert stranger.get("recipients").json()["data"]["recipients"] == []
    assert refusal(caller.get("recipients/nobody")) == (400, "INVALID_EMAIL_FORMAT", "email")


def test_r15_a_recipient_is_changed_and_what_is_left_out_stays(caller: Relay) -> None:
    add(
        caller,
        first_name="John",
        last_name="Doe",
        metadata={
            "source": "signup",
            "city": "Lyon",
            "tags": ["newsletter", "updates"],
            "preferences": {"frequency": "weekly"},
        },
    )
    body = {
        "first_name": "Jonathan",
        "status": "ACTIVE",
        "metadata": {"tags": ["newsletter", "premium"], "preferences": {"frequency": "daily"}},
    }
    answer = caller.put(f"recipients/{JOHN}", body)
    john = contact()
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": {
            "id": john.pk,
            "email": JOHN,
            "first_name": "Jonathan",
            "status": "ACTIVE",
            "updated_at": john.updated_at.strftime(MOMENT),
        },
    }
    data = caller.get(f"recipients/{JOHN}").json()["data"]
    assert data["metadata"] == {
        "source": "signup",
        "tags": ["newsletter", "premium"],
        "city": "Lyon",
        "preferences": {"frequency": "daily"},
    }
    assert data["last_name"] == "Doe"
    caller.put(f"recipients/{JOHN}", {"metadata": {"city": None}})
    assert "city" not in caller.get(f"recipients/{JOHN}").json()["data"]["metadata"]


def test_r15_nobody_is_made_mailable_again_by_the_way(caller: Relay) -> None:
    add(caller)
    caller.put(f"recipients/{JOHN}", {"status": "BOUNCED"})
    assert refusal(caller.put(f"recipients/{JOHN}", {"status": "ACTIVE"})) == (409, "CONFLICT", "status")
    assert contact().status == "bounced"


def test_r15_a_recipient_is_removed_and_stays_on_the_suppression_list(caller: Relay) -> None:
    add(caller)
    caller.put(f"recipients/{JOHN}", {"status": "UNSUBSCRIBED"})
    answer = caller.delete(f"recipients/{JOHN}")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "message": "Recipient removed successfully"})
    assert not Contact.objects.exists()
    assert Suppression.objects.filter(email_key=JOHN, reason="unsubscribed").exists()
    assert refusal(caller.delete(f"recipients/{JOHN}")) == (404, "RECIPIENT_NOT_FOUND", "email")
    assert add(caller, opt_in=True)["status"] == "UNSUBSCRIBED"


def test_recipients_need_their_scopes(acme: Tenant) -> None:
    reader = relay(acme, scopes=["read"])
    for method, path in (("POST", "recipients"), ("PUT", f"recipients/{JOHN}"), ("DELETE", f"recipients/{JOHN}")):
        assert refusal(reader.call(method, path, {}))[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    assert refusal(relay(acme, scopes=["contacts"]).get("recipients"))[:2] == (403, "INSUFFICIENT_PERMISSIONS")


def give_to(message_id: int, contact_id: int) -> None:
    """The contact is the message's first recipient."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbound_chunk SET contact_ids[1] = %s WHERE message_id = %s", [contact_id, message_id])
        cursor.execute(
            "UPDATE outbound_recipient SET contact_id = %s WHERE message_id = %s AND position = 0",
            [contact_id, message_id],
        )


def bounce(message_id: int, state: RecipientState, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_recipient SET state = %s, at = %s WHERE message_id = %s AND position = 0",
            [int(state), at, message_id],
        )
