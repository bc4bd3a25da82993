"""H14 to H19: e-mails of the hosting service, through HTTP."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Suppression
from outbound.models import Daily, ProviderAccount
from outbound.submission.ids import read_public_id
from tenants.models import Setting, Tenant, WaitingMail
from tests.api.hosting_cast import SENDER, Hosting, furnish, hosting, letter, rows, stored

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def _without_limits(settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 0


@pytest.fixture
def shop(acme: Tenant) -> Hosting:
    furnish()
    return hosting(acme)


def refused(answer: Any) -> tuple[int, str, str | None]:
    """Status, code and field of an error in the dialect's shape."""
    body = answer.json()
    assert list(body) == ["success", "error", "requestId"]
    assert body["success"] is False
    assert body["requestId"] == answer.headers["X-Request-ID"]
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "field", "details"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"], body["error"].get("field")


def test_h14_an_email_is_accepted_when_it_is_stored(shop: Hosting) -> None:
    body = {
        "from": "sender@acme.example",
        "to": ["recipient@example.com"],
        "subject": "Test Email",
        "text": "Hello, World!",
        "html": "<h1>Hello, World!</h1>",
    }
    answer = shop.call("POST", "emails", body)
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    assert list(told) == ["success", "data"]
    assert told["success"] is True
    assert list(told["data"]) == ["id", "status", "scheduledAt", "createdAt"]
    assert re.fullmatch(r"msg_[a-z2-7]{26}", told["data"]["id"])
    assert (told["data"]["status"], told["data"]["scheduledAt"]) == ("queued", None)
    assert _MOMENT.fullmatch(told["data"]["createdAt"])
    row = stored(told["data"]["id"])
    assert (row["door"], row["state"], row["from_address"]) == ("hosting", "queued", "sender@acme.example")
    assert (row["subject"], row["text"], row["html"]) == (body["subject"], body["text"], body["html"])
    assert row["addresses"] == ["recipient@example.com"]
    assert rows("SELECT email, priority FROM outbound_queue WHERE message_id = %s", row["message_id"]) == [
        ("recipient@example.com", 3)
    ]
    assert WaitingMail.objects.filter(schema=shop.tenant.schema_name).exists()


def test_h14_everything_that_an_email_may_have_is_stored(shop: Hosting) -> None:
    answer = shop.send(
        from_={"address": SENDER, "name": "The Shop"},
        to=["Ana Doe <ana@example.com>", {"address": "bo@example.com", "name": "Bo"}],
        cc="cy@example.com",
        bcc=[{"address": "di@example.com"}],
        replyTo="Help <help@acme.example>",
        html='<p>Hello</p><img src="cid:logo">',
        headers={"X-Order": "42"},
        attachments=[
            {"filename": "a.txt", "content": "SGk=", "contentType": "text/plain"},
            {"filename": "logo.png", "content": base64.b64encode(PNG).decode(), "cid": "logo"},
        ],
        priority="high",
        metadata={"order": 42},
    )
    assert answer.status_code == 202, answer.content
    row = stored(answer.json()["data"]["id"])
    assert (row["from_address"], row["from_name"], row["priority"]) == (SENDER, "The Shop", 1)
    assert [(one["kind"], one["email"], one["name"]) for one in json.loads(row["recipients"])] == [
        ("to", "ana@example.com", "Ana Doe"),
        ("to", "bo@example.com", "Bo"),
        ("cc", "cy@example.com", ""),
        ("bcc", "di@example.com", ""),
    ]
    assert json.loads(row["reply_to"]) == [["help@acme.example", "Help"]]
    assert json.loads(row["headers"]) == [["X-Order", "42"]]
    assert json.loads(row["metadata"]) == {"order": 42}
    files = rows(
        "SELECT filename, content_type, content_id, size, content FROM outbound_attachment WHERE message_id = %s"
        " ORDER BY number",
        row["message_id"],
    )
    assert [(*file[:4], bytes(file[4])) for file in files] == [
        ("a.txt", "text/plain", "", 2, b"Hi"),
        ("logo.png", "image/png", "logo", len(PNG), PNG),
    ]


@pytest.mark.parametrize(
    ("given", "priority"), [(1, 1), (5, 5), ("high", 1), ("normal", 3), ("low", 5), (None, 3), (..., 3)]
)
def test_h14_a_priority_is_a_number_or_a_word(shop: Hosting, given: Any, priority: int) -> None:
    answer = shop.send(priority=given)
    assert stored(answer.json()["data"]["id"])["priority"] == priority


def test_h14_an_email_is_scheduled(shop: Hosting) -> None:
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    given = later.astimezone().isoformat()
    answer = shop.send(scheduledAt=given)
    assert answer.status_code == 202
    told = answer.json()["data"]
    assert told["status"] == "scheduled"
    assert datetime.fromisoformat(told["scheduledAt"]) == later
    assert _MOMENT.fullmatch(told["scheduledAt"])
    row = stored(told["id"])
    assert (row["state"], row["send_at"]) == ("scheduled", later)
    assert rows("SELECT due_at FROM outbound_queue WHERE message_id = %s", row["message_id"]) == [(later,)]


def test_h14_a_time_that_is_past_means_now(shop: Hosting) -> None:
    told = shop.send(scheduledAt="2020-01-01T00:00:00Z").json()["data"]
    assert (told["status"], told["scheduledAt"]) == ("queued", None)


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"from_": ...}, 400, "MISSING_FIELD", "from"),
        ({"from_": ""}, 400, "MISSING_FIELD", "from"),
        ({"from_": 7}, 400, "VALIDATION_ERROR", "from"),
        ({"from_": [SENDER]}, 400, "VALIDATION_ERROR", "from"),
        ({"from_": {"name": "A"}}, 400, "VALIDATION_ERROR", "from.address"),
        ({"from_": {"address": SENDER, "name": 1}}, 400, "VALIDATION_ERROR", "from.name"),
        ({"from_": "nobody"}, 400, "INVALID_EMAIL", "from"),
        ({"from_": "ceo@bank.example <shop@acme.example>"}, 400, "INVALID_EMAIL", "from"),
        ({"from_": {"address": SENDER, "name": "ceo@bank.example"}}, 400, "INVALID_EMAIL", "from"),
        ({"from_": "shop@elsewhere.example"}, 403, "SENDER_NOT_VERIFIED", "from"),
        ({"from_": "shop@notacme.example"}, 403, "SENDER_NOT_VERIFIED", "from"),
        ({"to": ...}, 400, "MISSING_FIELD", "to"),
        ({"to": []}, 400, "MISSING_FIELD", "to"),
        ({"to": None}, 400, "MISSING_FIELD", "to"),
        ({"to": ["ana@example.com", "nobody"]}, 400, "INVALID_EMAIL", "to[1]"),
        ({"to": ["ana@example.com", None]}, 400, "VALIDATION_ERROR", "to[1]"),
        ({"to": "ana@example.com, bo@example.com"}, 400, "INVALID_EMAIL", "to[0]"),
        ({"to": ["a@example.com"] * 101}, 400, "TOO_MANY_RECIPIENTS", "to"),
        ({"cc": ["a@example.com"] * 60, "bcc": ["b@example.com"] * 60}, 400, "TOO_MANY_RECIPIENTS", "to"),
        ({"cc": 1}, 400, "VALIDATION_ERROR", "cc[0]"),
        ({"bcc": {"address": None}}, 400, "VALIDATION_ERROR", "bcc[0].address"),
        ({"replyTo": ["bo@example.com", "nobody"]}, 400, "INVALID_EMAIL", "replyTo[1]"),
        ({"subject": 5}, 400, "VALIDATION_ERROR", "subject"),
        ({"subject": "a\r\nBcc: b@example.com"}, 400, "VALIDATION_ERROR", "subject"),
        ({"text": ...}, 400, "MISSING_FIELD", "text"),
        ({"text": ["a"]}, 400, "VALIDATION_ERROR", "text"),
        ({"html": {}}, 400, "VALIDATION_ERROR", "html"),
        ({"html": "a\u0000b"}, 400, "VALIDATION_ERROR", "html"),
        ({"headers": []}, 400, "VALIDATION_ERROR", "headers"),
        ({"headers": {"X-A": 1}}, 400, "VALIDATION_ERROR", "headers.X-A"),
        ({"headers": {"Bcc": "b@example.com"}}, 400, "VALIDATION_ERROR", "headers.Bcc"),
        ({"headers": {"send_at": "a\nb"}}, 400, "VALIDATION_ERROR", "headers.send_at"),
        ({"attachments": {}}, 400, "VALIDATION_ERROR", "attachments"),
        ({"attachments": ["a"]}, 400, "VALIDATION_ERROR", "attachments[0]"),
        ({"attachments": [{"filename": "a.txt"}]}, 400, "MISSING_FIELD", "attachments[0].content"),
        ({"attachments": [{"content": "SGk="}]}, 400, "MISSING_FIELD", "attachments[0].filename"),
        ({"attachments": [{"filename": "a.txt", "content": "*"}]}, 400, "VALIDATION_ERROR", "attachments[0].content"),
        (
            {"attachments": [{"filename": "a.txt", "content": "SGk=", "contentType": 1}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].contentType",
        ),
        (
            {"attachments": [{"filename": "a.txt", "content": "SGk=", "contentType": "a b"}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].contentType",
        ),
        (
            {"attachments": [{"filename": "a.txt", "content": "SGk=", "cid": "a b\r\n"}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].cid",
        ),
        ({"scheduledAt": "tomorrow"}, 400, "VALIDATION_ERROR", "scheduledAt"),
        ({"scheduledAt": "2030-01-01T00:00:00"}, 400, "VALIDATION_ERROR", "scheduledAt"),
        ({"scheduledAt": "0001-01-01T00:00:00+14:00"}, 400, "VALIDATION_ERROR", "scheduledAt"),
        ({"scheduledAt": "9999-01-01T00:00:00Z"}, 400, "VALIDATION_ERROR", "scheduledAt"),
        ({"scheduledAt": 1900000000}, 400, "VALIDATION_ERROR", "scheduledAt"),
        ({"priority": 0}, 400, "VALIDATION_ERROR", "priority"),
        ({"priority": True}, 400, "VALIDATION_ERROR", "priority"),
        ({"priority": 1.0}, 400, "VALIDATION_ERROR", "priority"),
        ({"priority": "urgent"}, 400, "VALIDATION_ERROR", "priority"),
        ({"metadata": []}, 400, "VALIDATION_ERROR", "metadata"),
        ({"metadata": {"a": "x" * 20_000}}, 413, "PAYLOAD_TOO_LARGE", "metadata"),
        ({"workspace_id": 7}, 400, "VALIDATION_ERROR", "workspace_id"),
    ],
)  # fmt: skip
def test_h14_what_cannot_be_sent_is_refused_with_the_field(
    shop: Hosting, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    assert refused(shop.send(**fields)) == (status, code, field)
    assert rows("SELECT count(*) FROM outbound_submission") == [(0,)]


def test_h14_a_suppressed_recipient_is_refused(shop: Hosting) -> None:
    Suppression.objects.create(email_key="ana@example.com", reason="hard_bounce")
    assert refused(shop.send()) == (403, "RECIPIENT_SUPPRESSED", "to[0]")


def test_h14_an_attachment_may_have_as_many_bytes_as_the_setting_says(shop: Hosting, settings: Any) -> None:
    def file(size: int) -> list[dict[str, str]]:
        return [{"filename": "a.bin", "content": base64.b64encode(bytes(size)).decode()}]

    assert shop.send(attachments=file(10_485_760)).status_code == 202
    answer = shop.send(attachments=file(10_485_761))
    assert refused(answer) == (413, "PAYLOAD_TOO_LARGE", "attachments[0].content")
    assert "10,485,760" in answer.json()["error"]["message"]
    settings.MAX_ATTACHMENT_SIZE = 100
    assert shop.send(attachments=file(100)).status_code == 202
    assert refused(shop.send(attachments=file(101)))[0] == 413


def test_h14_a_body_is_refused_before_it_is_read_when_it_is_too_large(shop: Hosting) -> None:
    answer = shop.call("POST", "emails", b"[" + b" " * 30_000_000 + b"]")
    assert refused(answer) == (413, "PAYLOAD_TOO_LARGE", None)


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b"{", 400, "INVALID_JSON"),
        ("application/json", b"", 400, "MISSING_FIELD"),
        ("application/json", b"[" * 5000, 400, "INVALID_JSON"),
        ("application/json", b"[]", 400, "VALIDATION_ERROR"),
        ("application/json", b'"text"', 400, "VALIDATION_ERROR"),
        ("text/plain", b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_h14_a_body_is_a_json_object_or_refused(shop: Hosting, kind: str, body: bytes, status: int, code: str) -> None:
    assert refused(shop.call("POST", "emails", body, content_type=kind))[:2] == (status, code)


def test_h14_an_idempotency_key_sends_once(shop: Hosting) -> None:
    first = shop.call("POST", "emails", letter(), idempotency_key="order 42")
    again = shop.call("POST", "emails", letter(), idempotency_key="order 42")
    other = shop.call("POST", "emails", letter(text="Other"), idempotency_key="order 42")
    assert (first.status_code, again.status_code, first.json()) == (202, 202, again.json())
    assert refused(other)[:2] == (409, "CONFLICT")
    assert rows("SELECT count(*) FROM outbound_submission") == [(1,)]


def test_h14_the_days_quota_is_a_429_of_its_own(shop: Hosting) -> None:
    few = hosting(shop.tenant, daily_limit=1)
    assert few.send().status_code == 202
    answer = few.send()
    assert refused(answer)[:2] == (429, "QUOTA_EXCEEDED")
    assert int(answer.headers["Retry-After"]) == answer.json()["error"]["details"]["retryAfter"] > 0
    assert answer.headers["X-RateLimit-Limit"] == "1"


def test_h14_without_a_provider_and_in_maintenance_nothing_is_taken(shop: Hosting) -> None:
    Setting.objects.create(name="maintenance", value={"enabled": True, "message": "Back soon."})
    answer = shop.send()
    assert refused(answer)[:2] == (503, "MAINTENANCE")
    assert answer.json()["error"]["message"] == "Back soon."
    assert answer.headers["Retry-After"] == "300"
    Setting.objects.all().delete()
    ProviderAccount.objects.update(is_active=False)
    assert refused(shop.send())[:2] == (503, "PROVIDERS_UNAVAILABLE")


def test_h14_a_key_is_needed_and_must_have_the_scope(shop: Hosting) -> None:
    nobody, wrong = Hosting(shop.tenant, ""), Hosting(shop.tenant, "ls_0123456789ab_" + "x" * 43)
    assert [refused(one.send())[:2] for one in (nobody, wrong)] == [(401, "UNAUTHORIZED")] * 2
    reader = hosting(shop.tenant, scopes=["read"])
    assert refused(reader.send())[:2] == (403, "FORBIDDEN")
    writer = hosting(shop.tenant, scopes=["send"])
    assert refused(writer.get("emails"))[:2] == (403, "FORBIDDEN")


def test_h15_the_list_shows_the_newest_first_in_pages(shop: Hosting) -> None:
    ids = [shop.send(subject=f"No {n}").json()["data"]["id"] for n in range(5)]
    answer = shop.get("emails?limit=2&page=2")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["success", "data", "pagination"]
    assert [one["id"] for one in body["data"]] == [ids[2], ids[1]]
    assert body["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3, "totalIsExact": True}
    one = body["data"][0]
    assert _MOMENT.fullmatch(one.pop("createdAt"))
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


def test_h14_an_admin_key_names_the_workspace(shop: Hosting, globex: Tenant) -> None:
    admin = hosting(globex, is_admin=True)
    sent = admin.send(workspace_id=shop.tenant.workspace_id)
    assert sent.status_code == 202
    path = f"emails/{sent.json()['data']['id']}"
    assert admin.get(f"{path}?workspace_id={shop.tenant.workspace_id}").status_code == 200
    assert admin.get(path, x_workspace_id=shop.tenant.workspace_id).status_code == 200
    assert admin.get(path).status_code == 200
    assert refused(admin.get("emails/msg_7"))[0] == 404
    assert refused(admin.get("emails?workspace_id=ws-nowhere"))[0] == 404
    assert refused(admin.get("emails?workspace_id=%00"))[0] == 403


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
