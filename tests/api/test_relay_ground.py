"""R16, R28, R29's headers and R31: figures of a campaign, every code of errors, and what stands on every answer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.relay.campaigns.answers import rates
from api.relay.errors import STATUS
from campaigns.models import Campaign
from campaigns.reports import Figures
from outbound.models import ProviderAccount
from outbound.submission import storing
from outbound.submission.checks import LARGEST_MESSAGE
from tenants.models import Setting, Tenant
from tests.api.relay_cast import MOMENT, SENDER, Relay, furnish, number, refusal, relay
from tests.campaigns.cast import add_campaign, add_contacts, add_provider
from tests.campaigns.report_cast import give_events, give_outcomes, send

LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Reset-After")


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    furnish()
    return relay(acme)


# --- R16


@pytest.fixture
def campaign(acme: Tenant) -> Campaign:
    add_contacts(20)
    add_provider()
    made = add_campaign(name="January Newsletter")
    message = send(made)
    give_outcomes(message)
    give_events(message)
    made.refresh_from_db()
    return made


@pytest.mark.parametrize("prefix", ["camp-", ""])
def test_r16_a_campaign_is_told_in_figures_as_printed(acme: Tenant, campaign: Campaign, prefix: str) -> None:
    answer = relay(acme).get(f"campaigns/{prefix}{campaign.pk}/stats")
    assert answer.status_code == 200
    data = answer.json()["data"]
    timeline = data.pop("timeline")
    assert data == {
        "campaign_id": f"camp-{campaign.pk}",
        "name": "January Newsletter",
        "status": "sending",
        "stats": {
            "total_recipients": 20,
            "sent": 8,
            "delivered": 7,
            "bounced": 3,
            "opened": 4,
            "clicked": 2,
            "unsubscribed": 1,
            "complained": 1,
        },
        "rates": {
            "delivery_rate": 0.35,
            "open_rate": 0.5714,
            "click_rate": 0.2857,
            "bounce_rate": 0.15,
            "unsubscribe_rate": 0.05,
            "complaint_rate": 0.05,
        },
    }
    assert set(timeline) == {"created_at", "started_at", "completed_at"}
    assert timeline["created_at"] == campaign.created_at.strftime(MOMENT)
    assert timeline["completed_at"] is None


def test_r16_one_that_is_through_is_completed(acme: Tenant, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.SENT)
    assert relay(acme).get(f"campaigns/{campaign.pk}/stats").json()["data"]["status"] == "completed"


def test_r16_rates_are_those_of_the_reference() -> None:
    printed = Figures(
        total=5000, sent=4950, delivered=4900, bounced_hard=50, opened=2450, clicked=980, unsubscribed=25, complained=2
    )
    assert rates(printed) == {
        "delivery_rate": 0.98,
        "open_rate": 0.50,
        "click_rate": 0.20,
        "bounce_rate": 0.01,
        "unsubscribe_rate": 0.005,
        "complaint_rate": 0.0004,
    }


@pytest.mark.parametrize("named", ["camp-", "camp-x", "0", "999999", "9" * 30, "-1", "१"])
def test_r16_a_campaign_that_is_not_there_is_not_found(acme: Tenant, campaign: Campaign, named: str) -> None:
    assert refusal(relay(acme).get(f"campaigns/{named}/stats")) == (404, "NOT_FOUND", "campaign_id")


def test_r16_a_campaign_of_another_workspace_is_not_found(campaign: Campaign, globex: Tenant) -> None:
    assert refusal(relay(globex).get(f"campaigns/{campaign.pk}/stats")) == (404, "NOT_FOUND", "campaign_id")


def test_r16_figures_cost_the_same_queries_whatever_their_size(acme: Tenant, campaign: Campaign) -> None:
    caller, quiet = relay(acme), add_campaign(name="Quiet", template=campaign.template)
    send(quiet)

    def queries(campaign_id: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert caller.get(f"campaigns/{campaign_id}/stats").status_code == 200
        return len(seen)

    queries(quiet.pk)
    assert queries(campaign.pk) == queries(quiet.pk)


# --- R28


def test_r28_auth_required(caller: Relay) -> None:
    answer = caller.get("messages", x_api_key="")
    assert refusal(answer) == (401, "AUTH_REQUIRED", None)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_r28_invalid_token(caller: Relay) -> None:
    assert refusal(caller.get("messages", x_api_key="sk_live_abc123"))[:2] == (401, "INVALID_TOKEN")
    assert refusal(caller.get("messages", x_api_key="", authorization="Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"))[:2] == (
        401,
        "INVALID_TOKEN",
    )


def test_r28_insufficient_permissions(caller: Relay, acme: Tenant) -> None:
    reader = relay(acme, scopes=["read"])
    assert refusal(reader.send())[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    assert refusal(relay(acme, scopes=["send"]).get("messages"))[:2] == (403, "INSUFFICIENT_PERMISSIONS")


def test_r28_insufficient_permissions_for_a_sender_that_is_not_theirs(caller: Relay) -> None:
    answer = caller.send(from_="ceo@globex.example")
    assert refusal(answer) == (403, "INSUFFICIENT_PERMISSIONS", "from")
    assert answer.json()["error"]["details"]["reason"] == "sender_refused"


def test_r28_workspace_access_denied(caller: Relay, globex: Tenant) -> None:
    theirs = globex.workspace_id
    for answer in (
        caller.send(workspace_id=theirs),
        caller.get(f"messages?workspace_id={theirs}"),
        caller.get("messages", x_workspace_id=theirs),
        caller.send(workspace_id="ws-none"),
        caller.get("messages?workspace_id=%00"),
    ):
        assert refusal(answer) == (403, "WORKSPACE_ACCESS_DENIED", "workspace_id")


def test_r28_workspace_not_found(acme: Tenant, globex: Tenant) -> None:
    admin = relay(globex, is_admin=True)
    assert refusal(admin.get("messages?workspace_id=ws-none")) == (404, "WORKSPACE_NOT_FOUND", "workspace_id")
    assert admin.get(f"messages?workspace_id={acme.workspace_id}").headers["X-RateLimit-Workspace"] == acme.workspace_id


def test_r28_invalid_request(caller: Relay) -> None:
    assert refusal(caller.send(to="ana@example.com")) == (400, "INVALID_REQUEST", "to")
    two = caller.call("POST", f"messages?workspace_id={caller.tenant.workspace_id}", {"workspace_id": "other"})
    assert refusal(two) == (400, "INVALID_REQUEST", "workspace_id")


def test_r28_invalid_request_for_a_suppressed_recipient(caller: Relay) -> None:
    caller.post("recipients", {"email": "gone@example.com"})
    caller.put("recipients/gone@example.com", {"status": "BOUNCED"})
    answer = caller.send(cc=["gone@example.com"])
    assert refusal(answer)[:2] == (400, "INVALID_REQUEST")
    assert answer.json()["error"]["details"]["reason"] == "recipient_suppressed"


def test_r28_missing_required_field(caller: Relay) -> None:
    assert refusal(caller.send(to=...)) == (400, "MISSING_REQUIRED_FIELD", "to")


def test_r28_invalid_email_format(caller: Relay) -> None:
    assert refusal(caller.send(to=["nobody"])) == (400, "INVALID_EMAIL_FORMAT", "to[0]")


def test_r28_message_too_large(caller: Relay) -> None:
    assert refusal(caller.send(html_body="x" * (LARGEST_MESSAGE + 1)))[:2] == (413, "MESSAGE_TOO_LARGE")
    over = caller.client.generic(
        "POST",
        "/api/messages",
        data=b"{",
        content_type="application/json",
        headers={"host": "localhost", "x-api-key": caller.key, "content-length": str(40 * 1024 * 1024)},
    )
    assert refusal(over)[:2] == (413, "MESSAGE_TOO_LARGE")


def test_r28_rate_limit_exceeded(caller: Relay, settings: Any) -> None:
    settings.API_LIMIT_RELAY_SEND = 2
    assert [caller.send().status_code for _ in range(2)] == [202, 202]
    answer = caller.send()
    assert refusal(answer) == (429, "RATE_LIMIT_EXCEEDED", None)
    assert {name: answer.headers[name] for name in LIMITS[:2]} == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "0",
    }
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert 0 <= int(answer.headers["X-RateLimit-Reset-After"]) <= 61
    details = answer.json()["error"]["details"]
    assert (details["limit"], details["used"]) == (2, 2)
    datetime.strptime(details["reset_at"], MOMENT)


def test_r28_quota_exceeded(caller: Relay, acme: Tenant) -> None:
    small = relay(acme, daily_limit=1)
    assert small.send().status_code == 202
    answer = small.send()
    assert refusal(answer)[:2] == (429, "QUOTA_EXCEEDED")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    details = answer.json()["error"]["details"]
    assert (details["limit"], details["used"], details["reset_at"]) == (1, 1, f"{tomorrow}T00:00:00Z")
    assert answer.headers["X-RateLimit-Limit"] == "1"


def test_r28_message_not_found(caller: Relay) -> None:
    for named in ("msg-123456", "msg-" + "a" * 26, "x" * 5000):
        assert refusal(caller.get(f"messages/{named}"))[:2] == (404, "MESSAGE_NOT_FOUND")


def test_r28_recipient_not_found(caller: Relay) -> None:
    assert refusal(caller.get("recipients/nobody@example.com")) == (404, "RECIPIENT_NOT_FOUND", "email")


def test_r28_queue_full(caller: Relay, monkeypatch: Any) -> None:
    monkeypatch.setattr(storing, "LONGEST_QUEUE", 1)
    caller.sent(to=["a@example.com", "b@example.com"])
    storing._counted.clear()
    answer = caller.send()
    storing._counted.clear()
    assert refusal(answer)[:2] == (503, "QUEUE_FULL")
    assert answer.headers["Retry-After"] == "60"


def test_r28_all_providers_down(caller: Relay) -> None:
    ProviderAccount.objects.update(down_since=datetime.now(UTC) - timedelta(hours=1))
    answer = caller.send()
    assert refusal(answer)[:2] == (503, "ALL_PROVIDERS_DOWN")
    assert answer.headers["Retry-After"] == "60"


def test_r28_maintenance_mode(caller: Relay) -> None:
    until = datetime.now(UTC) + timedelta(minutes=30)
    Setting.objects.create(
        name="maintenance",
        value={"enabled": True, "message": "Scheduled maintenance in progress", "until": until.isoformat()},
    )
    answer = caller.send()
    assert refusal(answer)[:2] == (503, "MAINTENANCE_MODE")
    assert answer.json()["error"]["details"]["expected_end"] == until.strftime(MOMENT)
    assert 1700 <= int(answer.headers["Retry-After"]) <= 1801
    assert caller.get("messages").status_code == 200


def test_r28_database_error(caller: Relay) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_contact RENAME TO contacts_elsewhere")
    answer = caller.get("recipients/john@example.com")
    assert refusal(answer) == (500, "DATABASE_ERROR", None)
    assert "contacts" not in answer.content.decode()


def test_r28_internal_error(caller: Relay) -> None:
    public = caller.sent()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET recipients = '[{\"secret\": 1}]' WHERE message_id = %s",
            [number(public)],
        )
    answer = caller.get(f"messages/{public}")
    assert refusal(answer) == (500, "INTERNAL_ERROR", None)
    assert "secret" not in answer.content.decode()
    assert "KeyError" not in answer.content.decode()


def test_r28_provider_error(acme: Tenant) -> None:
    """Where it would be asked, nobody is (tests/servers.py)."""
    caller = relay(acme, scopes=["admin"])
    answer = caller.post("providers/mailgun/validate", {"api_key": "key-abc", "domain": "mg.example.com"})
    assert refusal(answer) == (502, "PROVIDER_ERROR", None)
    assert answer.json()["error"]["message"].startswith("The address under which Mailgun is asked here")
    assert answer.json()["error"]["details"] == {"reason": "provider_error"}


def test_r28_every_code_of_the_reference_has_a_test() -> None:
    named = {name.removeprefix("test_r28_").upper() for name in globals() if name.startswith("test_r28_")}
    ours = {"NOT_FOUND", "METHOD_NOT_ALLOWED", "CONFLICT", "UNSUPPORTED_MEDIA_TYPE", "SERVICE_UNAVAILABLE"}
    assert {code for code in STATUS if not any(test.startswith(code) for test in named)} == ours


def test_the_framework_speaks_the_relays_words_too(caller: Relay) -> None:
    assert refusal(caller.call("PATCH", "messages", {}))[:2] == (405, "METHOD_NOT_ALLOWED")
    assert refusal(caller.call("POST", "messages", b"a=1", content_type="text/csv"))[:2] == (
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    )


# --- R29, 6.3


def test_r29_every_counted_answer_carries_the_limits(caller: Relay, settings: Any) -> None:
    settings.API_LIMIT_PER_KEY = 100
    for answer in (caller.get("messages"), caller.send(), caller.send(to=7), caller.get("messages/msg-none")):
        told = {name: int(answer.headers[name]) for name in LIMITS}
        assert told["X-RateLimit-Remaining"] < told["X-RateLimit-Limit"]
        assert 0 <= told["X-RateLimit-Reset-After"] <= 86_400
        assert answer.headers["X-RateLimit-Workspace"] == caller.tenant.workspace_id


def test_r29_the_workspace_header_names_the_workspace(caller: Relay, globex: Tenant) -> None:
    answer = relay(globex, is_admin=True).call(
        "POST",
        "messages",
        {"from": SENDER, "to": ["a@example.com"], "subject": "x", "text_body": "x"},
        x_workspace_id=caller.tenant.workspace_id,
    )
    assert answer.status_code == 202
    assert caller.get("messages").json()["data"]["pagination"]["total"] == 1


# --- R31


def test_r31_a_deprecated_path_says_until_when_it_answers(caller: Relay, settings: Any) -> None:
    settings.RELAY_DEPRECATED_PATHS = "/api/recipients=2028-12-31, /v1=2029-06-30"
    settings.RELAY_DEPRECATION_LINK = "https://docs.example.com/migration"
    old = caller.get("recipients/nobody@example.com")
    assert {name: old.headers[name] for name in ("Sunset", "Deprecation", "Link")} == {
        "Sunset": "Sun, 31 Dec 2028 23:59:59 GMT",
        "Deprecation": "true",
        "Link": '<https://docs.example.com/migration>; rel="deprecation"',
    }
    for _ in range(2):
        caller.sent()
    listed = caller.get("/v1/messages?limit=1")
    assert listed.headers["Sunset"] == "Sat, 30 Jun 2029 23:59:59 GMT"
    assert listed.headers["Link"].endswith(', <https://docs.example.com/migration>; rel="deprecation"')
    assert listed.headers["Link"].startswith("</v1/messages?limit=1&page=2>; rel=")
    current = caller.get("messages")
    assert not {"Sunset", "Deprecation"} & set(current.headers)


def test_r31_nothing_is_deprecated_from_the_start(caller: Relay) -> None:
    for path in ("/api/messages", "/v1/messages", "/api/v1/messages", "/api/recipients", "/api/stats"):
        assert "Deprecation" not in caller.get(path).headers


def test_the_body_is_json_with_the_request_id_of_the_caller(caller: Relay) -> None:
    answer = caller.get("messages/none", x_request_id="req-abc123")
    assert json.loads(answer.content)["error"]["request_id"] == "req-abc123"
