"""R5 to R8: messages over HTTP, from being sent to being tried again."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outbound.states import RecipientState
from tenants.models import Tenant
from tests.api.relay_cast import MOMENT, Relay, furnish, mark, number, refusal, relay, rows, stored
from tests.outbound.submission_cast import end, take


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    furnish()
    return relay(acme)


def test_r06_a_message_is_taken_and_answered_as_printed(caller: Relay) -> None:
    answer = caller.send()
    assert answer.status_code == 202
    body = answer.json()
    data = body["data"]
    assert (set(body), body["success"]) == ({"success", "data"}, True)
    assert set(data) == {"message_id", "status", "queued_at", "estimated_send_time"}
    assert (data["message_id"][:4], data["status"]) == ("msg-", "queued")
    assert data["estimated_send_time"] == data["queued_at"]
    assert abs(datetime.strptime(data["queued_at"], MOMENT).replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(
        minutes=1
    )
    assert stored(data["message_id"], "door, state, from_address, subject, text") == (
        "relay",
        "queued",
        "shop@acme.example",
        "Hello",
        "Hello Ana",
    )


def test_r06_every_field_of_the_printed_request_arrives(caller: Relay) -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).strftime(MOMENT)
    answer = caller.send(
        cc=["cc@example.com"],
        bcc=["Bea <bcc@example.com>"],
        subject="Important Message for {{first_name}}",
        html_body="<h1>Hello {{ first_name }}</h1><p>This is a test email</p>",
        text_body="Hello {{first_name}} {{last_name}}\n\n{{custom_field}}",
        attachments=[
            {
                "filename": "report.pdf",
                "content_type": "application/pdf",
                "content": base64.encodebytes(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" * 20).decode(),
            }
        ],
        headers={"Reply-To": "noreply@example.com", "X-Priority": "high", "X-Order": "42"},
        workspace_id=caller.tenant.workspace_id,
        campaign_id="camp-123",
        metadata={"user_id": "user-456", "source": "api"},
        personalization={
            "enabled": True,
            "variables": {"first_name": "John", "last_name": "Doe", "custom_field": "value"},
        },
        scheduling={"send_at": later, "timezone": "America/New_York"},
    )
    data = answer.json()["data"]
    assert (answer.status_code, data["status"], data["estimated_send_time"]) == (202, "queued", later)
    held = stored(
        data["message_id"],
        "state, subject, text, reply_to, headers, metadata, priority, campaign_ref, user_ref, recipients",
    )
    assert held[:3] == ("scheduled", "Important Message for John", "Hello John Doe\n\nvalue")
    assert [json.loads(text) for text in held[3:6]] == [
        [["noreply@example.com", ""]],
        [["X-Order", "42"]],
        {"user_id": "user-456", "source": "api"},
    ]
    assert held[6:9] == (2, "camp-123", "user-456")
    assert [(one["kind"], one["email"], one["name"]) for one in json.loads(held[9])] == [
        ("to", "ana@example.com", ""),
        ("cc", "cc@example.com", ""),
        ("bcc", "bcc@example.com", "Bea"),
    ]
    assert rows(
        "SELECT filename, content_type, size FROM outbound_attachment WHERE message_id = %s", number(data["message_id"])
    ) == [("report.pdf", "application/pdf", 300)]


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("{day}T14:00:00", "Asia/Kolkata", "{day}T08:30:00Z"),
        ("{day}T14:00:00Z", "Asia/Kolkata", "{day}T14:00:00Z"),
        ("{day}T14:00:00+02:00", "Asia/Kolkata", "{day}T12:00:00Z"),
        ("{day}T14:00:00", None, "{day}T14:00:00Z"),
        ("{day}", "Asia/Kolkata", "{before}T18:30:00Z"),
    ],
    ids=["on their clocks", "Z wins", "an offset wins", "no zone is UTC", "a day begins at midnight"],
)
def test_r06_a_time_without_an_offset_is_on_the_clocks_of_its_zone(
    caller: Relay, written: str, zone: str | None, expected: str
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    days = {"day": day, "before": day - timedelta(days=1)}
    answer = caller.send(scheduling={"send_at": written.format(**days), "timezone": zone})
    assert answer.json()["data"]["estimated_send_time"] == expected.format(**days)


@pytest.mark.parametrize("send_at", ["9999-12-31T23:00:00Z", "2199-01-01"])
def test_r06_a_message_is_scheduled_for_a_year_ahead_at_most(caller: Relay, send_at: str) -> None:
    assert refusal(caller.send(scheduling={"send_at": send_at})) == (400, "INVALID_REQUEST", "scheduling.send_at")


def test_r06_a_time_that_is_past_means_now(caller: Relay) -> None:
    data = caller.send(scheduling={"send_at": "2024-01-15T14:00:00Z", "timezone": "America/New_York"}).json()["data"]
    assert data["estimated_send_time"] == data["queued_at"]


def test_r06_texts_are_taken_as_they_are_where_personalization_is_off(caller: Relay) -> None:
    public = caller.sent(
        subject="{{first_name}}", personalization={"enabled": False, "variables": {"first_name": "John"}}
    )
    assert stored(public, "subject") == ("{{first_name}}",)


def test_r06_headers_for_the_relay_are_read_and_taken_out(caller: Relay) -> None:
    public = caller.sent(
        headers={
            "X-Workspace-ID": "elsewhere",
            "x-campaign-id": "CAMP-2024-001",
            "X-User-ID": "USER-456",
            "X-Priority": "1 (Highest)",
            "X-Retry-Count": "3",
            "X-Metadata": '{"source":"api","version":"2.0"}',
            "X-Enable-Personalization": "true",
            "X-LLM-Model": "gpt-4",
            "X-Personalization-Context": '{"tone":"professional"}',
            "X-Mine": "kept",
        },
        metadata={"version": "3"},
    )
    held = stored(public, "headers, metadata, priority, campaign_ref, user_ref")
    assert [json.loads(text) for text in held[:2]] == [[["X-Mine", "kept"]], {"source": "api", "version": "3"}]
    assert held[2:] == (1, "CAMP-2024-001", "USER-456")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"from": ...}, "MISSING_REQUIRED_FIELD", "from"),
        ({"to": ...}, "MISSING_REQUIRED_FIELD", "to"),
        ({"to": []}, "MISSING_REQUIRED_FIELD", "to"),
        ({"subject": ...}, "MISSING_REQUIRED_FIELD", "subject"),
        ({"text_body": ...}, "MISSING_REQUIRED_FIELD", "text_body"),
        ({"attachments": [{"content": "aGk="}]}, "MISSING_REQUIRED_FIELD", "attachments[0].filename"),
        ({"attachments": [{"filename": "a.txt"}]}, "MISSING_REQUIRED_FIELD", "attachments[0].content"),
        ({"from": "nobody"}, "INVALID_EMAIL_FORMAT", "from"),
        ({"to": ["a@example.com", "b@"]}, "INVALID_EMAIL_FORMAT", "to[1]"),
        ({"cc": ["x <y>"]}, "INVALID_EMAIL_FORMAT", "cc[0]"),
        ({"bcc": ["a\r\nBcc: b@example.com"]}, "INVALID_EMAIL_FORMAT", "bcc[0]"),
        ({"headers": {"Reply-To": "nobody"}}, "INVALID_EMAIL_FORMAT", "headers.Reply-To"),
        ({"to": "ana@example.com"}, "INVALID_REQUEST", "to"),
        ({"to": [7]}, "INVALID_REQUEST", "to[0]"),
        ({"to": ["a@example.com"] * 100_000}, "INVALID_REQUEST", "to"),
        ({"subject": 7}, "INVALID_REQUEST", "subject"),
        ({"subject": "Hi\r\nBcc: b@example.com"}, "INVALID_REQUEST", "subject"),
        ({"subject": "\ud800"}, "INVALID_REQUEST", "subject"),
        ({"html_body": []}, "INVALID_REQUEST", "html_body"),
        ({"text_body": "\ud800"}, "INVALID_REQUEST", "text_body"),
        ({"headers": ["X"]}, "INVALID_REQUEST", "headers"),
        ({"headers": {"X-Order": 42}}, "INVALID_REQUEST", "headers.X-Order"),
        ({"headers": {"X-Order": "a\r\nBcc: b@example.com"}}, "INVALID_REQUEST", "headers.X-Order"),
        ({"headers": {"Bcc": "b@example.com"}}, "INVALID_REQUEST", "headers.Bcc"),
        ({"headers": {"X-Priority": "soon"}}, "INVALID_REQUEST", "headers.X-Priority"),
        ({"headers": {"X-Metadata": "[]"}}, "INVALID_REQUEST", "headers.X-Metadata"),
        ({"attachments": {}}, "INVALID_REQUEST", "attachments"),
        ({"attachments": ["a"]}, "INVALID_REQUEST", "attachments[0]"),
        ({"attachments": [{"filename": "a.txt", "content": "=%="}]}, "INVALID_REQUEST", "attachments[0].content"),
        ({"attachments": [{"filename": "a.txt", "content": "é"}]}, "INVALID_REQUEST", "attachments[0].content"),
        ({"attachments": [{"filename": 1, "content": ""}]}, "INVALID_REQUEST", "attachments[0].filename"),
        ({"metadata": "x"}, "INVALID_REQUEST", "metadata"),
        ({"metadata": {"user_id": ["x"]}}, "INVALID_REQUEST", "metadata.user_id"),
        ({"campaign_id": {}}, "INVALID_REQUEST", "campaign_id"),
        ({"campaign_id": "x" * 201}, "INVALID_REQUEST", "campaign_id"),
        ({"workspace_id": 7}, "INVALID_REQUEST", "workspace_id"),
        ({"personalization": []}, "INVALID_REQUEST", "personalization"),
        ({"personalization": {"enabled": "yes"}}, "INVALID_REQUEST", "personalization.enabled"),
        ({"personalization": {"variables": "x"}}, "INVALID_REQUEST", "personalization.variables"),
        ({"scheduling": "now"}, "INVALID_REQUEST", "scheduling"),
        ({"scheduling": {"send_at": "tomorrow"}}, "INVALID_REQUEST", "scheduling.send_at"),
        ({"scheduling": {"send_at": 1705327200}}, "INVALID_REQUEST", "scheduling.send_at"),
        ({"scheduling": {"send_at": "9999-12-31T23:59:59-23:59"}}, "INVALID_REQUEST", "scheduling.send_at"),
        (
            {"scheduling": {"send_at": "2024-01-15T14:00:00", "timezone": "Mars"}},
            "INVALID_REQUEST",
            "scheduling.timezone",
        ),
        ({"scheduling": {"timezone": "../etc/passwd"}}, "INVALID_REQUEST", "scheduling.timezone"),
    ],
    ids=lambda value: str(value)[:60].encode("unicode_escape").decode() if isinstance(value, dict) else "",
)
def test_r06_what_cannot_be_used_is_refused_with_its_name(
    caller: Relay, fields: dict[str, Any], code: str, field: str
) -> None:
    assert refusal(caller.send(**fields)) == (400, code, field)
    assert rows("SELECT count(*) FROM outbound_submission") == [(0,)]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"null"])
def test_r06_a_body_that_is_no_json_object_is_an_invalid_request(caller: Relay, body: bytes) -> None:
    assert refusal(caller.call("POST", "messages", body)) == (400, "INVALID_REQUEST", None)


def test_r06_the_same_key_twice_sends_once(caller: Relay) -> None:
    body = {"from": "shop@acme.example", "to": ["ana@example.com"], "subject": "Hello", "text_body": "Hello Ana"}
    first, second = (caller.post("messages", body, idempotency_key="order-42") for _ in range(2))
    assert first.json() == second.json()
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (202, "true")
    other = caller.post("messages", {**body, "subject": "Other"}, idempotency_key="order-42")
    assert refusal(other) == (409, "CONFLICT", "Idempotency-Key")
    assert rows("SELECT count(*) FROM outbound_submission") == [(1,)]


def test_r05_a_message_is_told_with_all_its_details(caller: Relay) -> None:
    public = caller.sent(
        cc=["cc@example.com"],
        bcc=["bcc@example.com"],
        html_body="<p>Hi</p>",
        attachments=[{"filename": "note.txt", "content_type": "text/plain", "content": "SGVsbG8="}],
        headers={"X-Order": "42"},
        campaign_id="camp-123",
        metadata={"user_id": "user-456", "version": "2.0"},
    )
    data = caller.get(f"messages/{public}").json()["data"]
    headers = data.pop("headers")
    assert data == {
        "id": public,
        "from": "shop@acme.example",
        "to": ["ana@example.com"],
        "cc": ["cc@example.com"],
        "bcc": ["bcc@example.com"],
        "subject": "Hello",
        "html_body": "<p>Hi</p>",
        "text_body": "Hello Ana",
        "attachments": [{"filename": "note.txt", "content_type": "text/plain", "size": 5}],
        "status": "queued",
        "workspace_id": caller.tenant.workspace_id,
        "campaign_id": "camp-123",
        "user_id": "user-456",
        "queued_at": stored(public, "created_at")[0].strftime(MOMENT),
        "processed_at": None,
        "provider": None,
        "provider_message_id": None,
        "error": None,
        "retry_count": 0,
        "metadata": {"user_id": "user-456", "version": "2.0"},
    }
    assert headers["X-Order"] == "42"
    assert {"Message-ID", "Date"} <= set(headers)
    assert "bcc@example.com" not in json.dumps(headers)


@pytest.mark.parametrize("reply_to", ["noreply@example.com", "Desk <desk@example.com>"])
def test_r05_whom_to_answer_is_told_among_the_headers(caller: Relay, reply_to: str) -> None:
    public = caller.sent(headers={"Reply-To": reply_to, "X-Order": "42"})
    headers = caller.get(f"messages/{public}").json()["data"]["headers"]
    assert set(headers) == {"Message-ID", "Date", "X-Order", "Reply-To"}
    assert headers["Reply-To"] == reply_to


def test_r05_the_provider_that_took_it_is_named(caller: Relay) -> None:
    public = caller.sent()
    ((provider,),) = rows("SELECT id FROM outbound_provideraccount")
    at = datetime(2026, 1, 15, 10, 0, 30, tzinfo=UTC)
    mark(public, state="sent", processed_at=at, provider_id=provider, provider_reference="gmail-msg-789")
    data = caller.get(f"messages/{public}").json()["data"]
    assert (data["status"], data["processed_at"]) == ("sent", "2026-01-15T10:00:30Z")
    assert (data["provider"], data["provider_message_id"]) == ("gmail", "gmail-msg-789")


@pytest.mark.parametrize("spelling", ["msg-{}", "msg_{}", "{}", "MSG-{}"])
def test_r05_every_spelling_of_an_id_finds_the_message(caller: Relay, spelling: str) -> None:
    public = caller.sent()
    assert caller.get(f"messages/{spelling.format(public[4:])}").json()["data"]["id"] == public


def test_r05_an_id_that_is_not_theirs_is_not_found(caller: Relay, globex: Tenant) -> None:
    public = caller.sent()
    stranger = relay(globex)
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/retry")):
        assert refusal(stranger.call(method, f"messages/{public}{path}")) == (404, "MESSAGE_NOT_FOUND", None)
    assert caller.get(f"messages/{public}").json()["data"]["status"] == "queued"
    assert stranger.get("messages").json()["data"]["messages"] == []


def test_r05_an_admin_follows_an_id_into_its_workspace(caller: Relay, globex: Tenant) -> None:
    public = caller.sent()
    admin = relay(globex, is_admin=True)
    answer = admin.get(f"messages/{public}")
    assert answer.json()["data"]["workspace_id"] == caller.tenant.workspace_id
    named = admin.get(f"messages/{public}?workspace_id={globex.workspace_id}")
    assert refusal(named) == (404, "MESSAGE_NOT_FOUND", None)


def test_r07_a_message_that_waits_is_cancelled_and_only_once(caller: Relay) -> None:
    public = caller.sent()
    answer = caller.delete(f"messages/{public}")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "message": "Message cancelled successfully"})
    assert caller.get(f"messages/{public}").json()["data"]["status"] == "cancelled"
    assert rows("SELECT count(*) FROM outbound_queue") == [(0,)]
    assert refusal(caller.delete(f"messages/{public}")) == (409, "CONFLICT", None)


def test_r07_a_message_in_a_senders_hands_is_not_cancelled(caller: Relay) -> None:
    public = caller.sent()
    take(number(public))
    assert refusal(caller.delete(f"messages/{public}")) == (409, "CONFLICT", None)
    assert rows("SELECT count(*) FROM outbound_queue") == [(1,)]


def test_r08_a_message_that_failed_is_tried_again(caller: Relay) -> None:
    public = caller.sent()
    end(number(public), RecipientState.FAILED, reason="gave up")
    failed = caller.get(f"messages/{public}").json()["data"]
    assert (failed["status"], failed["error"]) == ("failed", "gave up")
    answer = caller.put(f"messages/{public}/retry")
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "data": {"message_id": public, "status": "queued", "retry_count": 1}}
    assert rows("SELECT email, batch_id FROM outbound_queue") == [("ana@example.com", None)]


def test_r08_a_message_that_did_not_fail_is_not_tried_again(caller: Relay) -> None:
    public = caller.sent()
    assert refusal(caller.put(f"messages/{public}/retry")) == (409, "CONFLICT", None)


def test_messages_answer_under_every_root_of_the_relay(caller: Relay) -> None:
    public = caller.post(
        "/v1/messages", {"from": "shop@acme.example", "to": ["a@example.com"], "subject": "", "text_body": "x"}
    )
    assert public.status_code == 202
    message_id = public.json()["data"]["message_id"]
    for root in ("/api", "/v1", "/api/v1"):
        assert caller.get(f"{root}/messages/{message_id}/").json()["data"]["id"] == message_id
        listed = caller.get(f"{root}/messages?limit=1")
        assert listed.status_code == 200
