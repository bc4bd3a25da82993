"""H14: e-mails are sent through the hosting service's API."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.models import Suppression
from outbound.models import ProviderAccount
from tenants.models import Setting, Tenant, WaitingMail
from tests.api.hosting_cast import MOMENT, SENDER, Hosting, furnish, hosting, letter, refused, rows, stored

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
    assert MOMENT.fullmatch(told["data"]["createdAt"])
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
    assert MOMENT.fullmatch(told["scheduledAt"])
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
