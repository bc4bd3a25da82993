"""H15 to H19: e-mails of the hosting service are listed, shown, sent once more, deleted and counted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outbound.models import Daily
from outbound.submission.ids import read_public_id
from tenants.models import Tenant
from tests.api.hosting_cast import MOMENT, SENDER, Hosting, furnish, hosting, refused, rows


@pytest.fixture(autouse=True)
def _without_limits(settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 0


@pytest.fixture
def shop(acme: Tenant) -> Hosting:
    furnish()
    return hosting(acme)


def test_h15_the_list_shows_the_newest_first_in_pages(shop: Hosting) -> None:
    ids = [shop.send(subject=f"No {n}").json()["data"]["id"] for n in range(5)]
    answer = shop.get("emails?limit=2&page=2")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["success", "data", "pagination"]
    assert [one["id"] for one in body["data"]] == [ids[2], ids[1]]
    assert body["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3, "totalIsExact": True}
    one = body["data"][0]
    assert MOMENT.fullmatch(one.pop("createdAt"))
    assert one == {
        "id": ids[2],
        "status": "queued",
        "from": {"address": SENDER, "name": ""},
        "to": [{"address": "ana@example.com", "name": ""}],
        "cc": [],
        "bcc": [],
        "subject": "No 2",
        "priority": 3,
        "retries": 0,
        "error": None,
        "scheduledAt": None,
        "sentAt": None,
    }
    assert shop.get("emails?page=99").json()["data"] == []


def test_h15_the_list_is_narrowed(shop: Hosting) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    scheduled = shop.send(scheduledAt=later, bcc="bo@example.com").json()["data"]["id"]
    queued = shop.send().json()["data"]["id"]

    def found(query: str) -> list[str]:
        return [one["id"] for one in shop.get(f"emails?{query}").json()["data"]]

    assert found("status=scheduled") == found("to=bo@example.com") == [scheduled]
    assert found("status=queued") == [queued]
    assert found("status=failed") == found("from=other@acme.example") == []
    assert found(f"from={SENDER}") == found("createdAfter=2020-01-01T00:00:00Z") == [queued, scheduled]
    assert found("createdBefore=2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("limit=101", "limit"),
        ("limit=1.5", "limit"),
        ("status=lost", "status"),
        ("to=%00", "to"),
        ("createdAfter=yesterday", "createdAfter"),
        ("createdBefore=2020-01-01", "createdBefore"),
    ],
)
def test_h15_a_filter_that_is_none_is_refused(shop: Hosting, query: str, field: str) -> None:
    status, _, named = refused(shop.get(f"emails?{query}"))
    assert (status, named) == (400, field)


def test_h15_a_list_costs_the_same_however_long_it_is(shop: Hosting) -> None:
    shop.send()
    shop.get("emails")
    with CaptureQueriesContext(connection) as one:
        shop.get("emails")
    for _ in range(5):
        shop.send(to=["a@example.com", "b@example.com"])
    with CaptureQueriesContext(connection) as many:
        shop.get("emails")
    assert len(many) == len(one)


def test_h16_an_email_is_shown_with_recipients_and_timeline(shop: Hosting) -> None:
    sent = shop.send(
        to="Ana <ana@example.com>",
        bcc="bo@example.com",
        replyTo="help@acme.example",
        html="<p>Hello</p>",
        headers={"X-Order": "42"},
        attachments=[{"filename": "a.txt", "content": "SGk="}],
        metadata={"order": 42},
    ).json()["data"]
    answer = shop.get(f"emails/{sent['id']}")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["success", "data"]
    told = body["data"]
    created = sent["createdAt"]
    headers = {one["name"]: one["value"] for one in told.pop("headers")}
    assert headers["X-Order"] == "42"
    assert "bo@example.com" not in json.dumps(headers)
    assert told.pop("size") > 0
    assert told == {
        "id": sent["id"],
        "status": "queued",
        "from": {"address": SENDER, "name": ""},
        "to": [{"address": "ana@example.com", "name": "Ana"}],
        "cc": [],
        "bcc": [{"address": "bo@example.com", "name": ""}],
        "subject": "Hello",
        "priority": 3,
        "retries": 0,
        "error": None,
        "scheduledAt": None,
        "sentAt": None,
        "createdAt": created,
        "replyTo": [{"address": "help@acme.example", "name": ""}],
        "text": "Hello Ana",
        "html": "<p>Hello</p>",
        "attachments": [{"filename": "a.txt", "contentType": "text/plain", "size": 2, "cid": None}],
        "metadata": {"order": 42},
        "provider": None,
        "providerMessageId": None,
        "recipients": [
            {"type": kind, "address": address, "name": name, "status": "queued", "attempts": 0, "code": None,
             "reason": None, "updatedAt": created}
            for kind, address, name in (("to", "ana@example.com", "Ana"), ("bcc", "bo@example.com", ""))
        ],
        "timeline": [
            {"event": "accepted", "at": created, "address": None, "provider": None, "code": None, "message": None}
        ],
    }  # fmt: skip


def test_h16_either_spelling_of_an_id_is_read(shop: Hosting) -> None:
    bare = shop.send().json()["data"]["id"].removeprefix("msg_")
    for spelled in (bare, f"msg_{bare}", f"msg-{bare}", f"msg_{bare}/"):
        assert shop.get(f"emails/{spelled}").json()["data"]["id"] == f"msg_{bare}"


@pytest.mark.parametrize("name", ["msg_", "7", "msg_" + "a" * 26, "msg_%00", "é", "a" * 3000])
def test_h16_an_id_that_was_not_made_here_is_not_found(shop: Hosting, name: str) -> None:
    assert refused(shop.get(f"emails/{name}"))[:2] == (404, "NOT_FOUND")


def test_h17_an_email_that_failed_is_sent_once_more(shop: Hosting) -> None:
    sent = shop.send(to=["ana@example.com", "bo@example.com"]).json()["data"]["id"]
    _give_up(sent, {0: 3, 1: 7})
    answer = shop.call("POST", f"emails/{sent}/resend")
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["success"] is True
    assert list(told["data"]) == ["id", "status", "scheduledAt", "createdAt"]
    assert told["data"]["status"] == "queued"
    assert told["data"]["id"] == sent
    number = read_public_id(sent).message_id
    assert rows("SELECT email FROM outbound_queue WHERE message_id = %s", number) == [("bo@example.com",)]
    shown = shop.get(f"emails/{sent}").json()["data"]
    assert (shown["status"], shown["retries"]) == ("queued", 1)
    assert [one["status"] for one in shown["recipients"]] == ["sent", "deferred"]


def test_h17_an_email_that_did_not_fail_is_not_sent_again(shop: Hosting) -> None:
    sent = shop.send().json()["data"]["id"]
    assert refused(shop.call("POST", f"emails/{sent}/resend"))[:2] == (409, "CONFLICT")
    _give_up(sent, {0: 4})
    assert refused(shop.call("POST", f"emails/{sent}/resend"))[:2] == (409, "CONFLICT")


def test_h18_an_email_that_waits_is_deleted_and_not_sent(shop: Hosting) -> None:
    sent = shop.send().json()["data"]["id"]
    answer = shop.call("DELETE", f"emails/{sent}")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": {"id": sent, "deleted": True}})
    assert rows("SELECT count(*) FROM outbound_queue") == [(0,)]
    assert refused(shop.get(f"emails/{sent}"))[:2] == (404, "NOT_FOUND")
    assert refused(shop.call("DELETE", f"emails/{sent}"))[:2] == (404, "NOT_FOUND")
    assert shop.get("emails").json()["data"] == []


def test_h19_figures_are_counted(shop: Hosting) -> None:
    later, today = (datetime.now(UTC) + timedelta(days=1)).isoformat(), datetime.now(UTC).date()
    shop.send(to=["a@example.com", "b@example.com"])
    shop.send(scheduledAt=later)
    counts = {
        "sent": 10,
        "confirmed": 8,
        "refused_hard": 1,
        "refused_soft": 2,
        "came_back": 3,
        "deferred": 4,
        "failed": 5,
    }
    Daily.objects.create(
        day=today, origin="single", slot=0, opened=6, clicked=7, complained=1, unsubscribed=2, **counts
    )
    Daily.objects.create(day=today - timedelta(days=40), origin="single", slot=0, sent=100)
    Daily.objects.create(day=today, origin="campaign", slot=0, sent=1000)
    answer = shop.get("emails/stats")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": {
            "total": 121,
            "queued": 2,
            "scheduled": 1,
            "processing": 0,
            "deferred": 0,
            "sent": 110,
            "delivered": 8,
            "bounced": 6,
            "failed": 5,
            "suppressed": 0,
            "cancelled": 0,
            "unknown": 0,
            "successRate": round(107 / 118, 4),
            "averageProcessingMs": None,
            "days": [
                {"date": today.isoformat(), "sent": 10, "delivered": 8, "bounced": 6, "failed": 5, "deferred": 4,
                 "opened": 6, "clicked": 7, "complained": 1, "unsubscribed": 2}
            ],
        },
    }  # fmt: skip
    assert len(shop.get("emails/stats?days=366").json()["data"]["days"]) == 2
    assert refused(shop.get("emails/stats?days=367"))[2] == "days"


def test_h19_without_any_email_there_are_noughts(acme: Tenant) -> None:
    told = hosting(acme).get("emails/stats").json()["data"]
    assert (told["total"], told["successRate"], told["days"]) == (0, None, [])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "emails/{id}"), ("DELETE", "emails/{id}"), ("POST", "emails/{id}/resend")],
)
def test_h14_to_h19_another_tenants_email_is_not_found(shop: Hosting, globex: Tenant, method: str, path: str) -> None:
    sent = shop.send().json()["data"]["id"]
    stranger = hosting(globex)
    assert refused(stranger.call(method, path.format(id=sent)))[:2] == (404, "NOT_FOUND")
    assert stranger.get("emails").json()["pagination"]["total"] == 0
    named = {"x_workspace_id": shop.tenant.workspace_id}
    assert refused(stranger.call(method, path.format(id=sent), **named))[:2] == (403, "FORBIDDEN")
    assert refused(stranger.get(f"emails?workspace_id={shop.tenant.workspace_id}"))[0] == 403
    assert shop.get(f"emails/{sent}").json()["data"]["status"] == "queued"


def _give_up(email_id: str, outcomes: dict[int, int]) -> None:
    """As senders leave it: an outcome for each recipient, and nobody waits."""
    name = read_public_id(email_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbound_queue WHERE message_id = %s", [name.message_id])
        for position, state in outcomes.items():
            cursor.execute(
                "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, attempts, code, reason, at)"
                " SELECT month, id, %s, 0, %s, 1, 550, 'no', now() FROM outbound_message WHERE id = %s",
                [position, state, name.message_id],
            )
        failed = "failed" if 7 in outcomes.values() else "delivered"
        cursor.execute(
            "UPDATE outbound_submission SET state = %s, processed_at = now() WHERE message_id = %s",
            [failed, name.message_id],
        )
        cursor.execute("UPDATE outbound_message SET state = 'finished' WHERE id = %s", [name.message_id])
