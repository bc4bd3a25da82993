"""A1: `POST /send`, through the whole of Django."""

import base64
from typing import Any

import pytest
from django.db import connection

from contacts.models import Suppression
from tenants.models import Setting, Tenant, Usage
from tests.api.clients.cast import Program, count, make_ready, program, stored

HELLO: dict[str, Any] = {"to": "user@example.com", "subject": "Welcome!", "body": "Thank you for signing up."}


@pytest.fixture
def shop(acme: Tenant) -> Program:
    make_ready()
    return program(acme, "/send")


def test_a01_a_message_is_accepted(shop: Program) -> None:
    answer = shop.send(HELLO)
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    body = answer.json()
    assert list(body) == ["success", "message", "message_id"]
    assert (body["success"], body["message"]) == (True, "Email queued successfully")
    assert body["message_id"].startswith("msg_")
    kept = stored(body["message_id"])
    assert (kept["door"], kept["state"], kept["priority"]) == ("aegis", "queued", 3)
    assert (kept["subject"], kept["text"], kept["html"]) == ("Welcome!", "Thank you for signing up.", "")
    assert kept["people"] == [("to", "user@example.com", "")]
    assert (kept["from_address"], kept["from_name"]) == ("news@shop.example", "Acme")
    assert count("outbound_queue") == 1


def test_a01_every_field_is_kept(shop: Program) -> None:
    pdf = b"%PDF-1.4\n%%EOF\n"
    answer = shop.send(
        {
            "to": "customer@example.com",
            "toName": "Ann Example",
            "subject": "Your Invoice",
            "body": "<h2>Invoice Attached</h2>",
            "isHtml": True,
            "cc": [{"email": "manager@example.com", "name": "Manager"}, {"email": "lead@example.com"}],
            "bcc": [{"email": "archive@example.com"}],
            "replyTo": "support@yourstore.com",
            "attachments": [{"name": "invoice-2024-001.pdf", "content": base64.b64encode(pdf).decode()}],
            "priority": 1,
            "headers": {"X-Order": "42"},
        }
    )
    assert answer.status_code == 202, answer.content
    kept = stored(answer.json()["message_id"])
    assert kept["people"] == [
        ("to", "customer@example.com", "Ann Example"),
        ("cc", "manager@example.com", "Manager"),
        ("cc", "lead@example.com", ""),
        ("bcc", "archive@example.com", ""),
    ]
    assert (kept["html"], kept["text"], kept["priority"]) == ("<h2>Invoice Attached</h2>", "", 1)
    assert kept["reply_to"] == [["support@yourstore.com", ""]]
    assert kept["headers"] == [["X-Order", "42"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT filename, content_type, content, size FROM outbound_attachment")
        ((filename, kind, content, size),) = cursor.fetchall()
    assert (filename, kind, bytes(content), size) == ("invoice-2024-001.pdf", "application/pdf", pdf, len(pdf))
    assert count("outbound_queue") == 4


def test_a01_a_slash_at_the_end_makes_no_difference(shop: Program) -> None:
    assert shop.call("POST", "/send/", HELLO).status_code == 202


def test_a01_the_same_call_twice_sends_once(shop: Program) -> None:
    first = shop.send(HELLO, idempotency_key="one")
    again = shop.send(HELLO, idempotency_key="one")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count("outbound_submission") == 1
    other = shop.send(HELLO | {"subject": "Another"}, idempotency_key="one")
    assert (other.status_code, other.json()["code"]) == (409, "CONFLICT")


def test_a01_a_token_sends_too(shop: Program, acme: Tenant) -> None:
    token = shop.call("POST", "/api/v2/tokens", {"scopes": ["send"]}).json()["token"]
    answer = shop.send(HELLO, x_api_key="", authorization=f"Bearer {token}")
    assert answer.status_code == 202, answer.content


def test_a05_without_a_good_key_it_is_401(shop: Program) -> None:
    for headers in ({"x_api_key": ""}, {"x_api_key": "wrong"}, {"x_api_key": "", "authorization": "Bearer x.y.z"}):
        answer = shop.send(HELLO, **headers)
        assert answer.status_code == 401
        body = answer.json()
        assert set(body) == {"error", "message", "code", "timestamp"}
        assert (body["error"], body["message"], body["code"]) == ("Unauthorized", "Invalid API key", "INVALID_API_KEY")
    assert count("outbound_submission") == 0


def test_a05_a_key_in_the_address_is_none(shop: Program) -> None:
    answer = shop.call("POST", f"/send?api_key={shop.key}", HELLO, x_api_key="")
    assert answer.status_code == 401


def test_a05_a_key_that_may_not_send_is_refused(acme: Tenant) -> None:
    make_ready()
    answer = program(acme, "/send", scopes=["read"]).send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert count("outbound_submission") == 0


def test_a05_another_tenants_workspace_is_refused(shop: Program, acme: Tenant, globex: Tenant) -> None:
    theirs = program(globex, "/send")
    named = theirs.send(HELLO, x_workspace_id=acme.workspace_id)
    assert (named.status_code, named.json()["code"]) == (403, "FORBIDDEN")
    at_home = theirs.send(HELLO, host="acme.testserver")
    assert at_home.status_code == 403
    assert theirs.send(HELLO | {"tenant_id": acme.pk}).status_code == 403
    assert count("outbound_submission") == 0


def test_an_admin_key_sends_for_the_tenant_it_names(shop: Program, acme: Tenant, globex: Tenant) -> None:
    admin = program(globex, "/send", is_admin=True)
    answer = admin.send(HELLO, x_workspace_id=acme.workspace_id)
    assert answer.status_code == 202, answer.content
    assert stored(answer.json()["message_id"])["door"] == "aegis"


def test_a05_a_suppressed_address_is_refused_by_a_code_of_its_own(shop: Program) -> None:
    Suppression.objects.create(email="dead@example.com", email_key="dead@example.com", reason="hard_bounce")
    answer = shop.send(HELLO | {"to": "Dead@example.com"})
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("RECIPIENT_SUPPRESSED", "to")
    hidden = shop.send(HELLO | {"bcc": [{"email": "dead@example.com"}]})
    assert hidden.json()["field"] == "bcc[0].email"
    assert count("outbound_submission") == 0


def test_a05_a_used_up_quota_is_429(acme: Tenant) -> None:
    make_ready()
    shop = program(acme, "/send", daily_limit=1)
    assert shop.send(HELLO).status_code == 202
    answer = shop.send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (429, "QUOTA_EXCEEDED")
    assert answer.json()["retry_after"] == int(answer.headers["Retry-After"]) > 0
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert count("outbound_submission") == 1
    assert Usage.objects.get(tenant=acme, key_id__gt=0).used == 1


def test_a05_what_breaks_is_500_and_says_nothing(shop: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbound_submission RENAME TO outbound_elsewhere")
    answer = shop.send(HELLO)
    assert answer.status_code == 500
    body = answer.json()
    assert (body["error"], body["code"]) == ("Internal Server Error", "INTERNAL_ERROR")
    assert "outbound_submission" not in answer.content.decode()


def test_a05_without_anybody_who_takes_mail_it_is_503(shop: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbound_provideraccount SET is_active = false")
    answer = shop.send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (503, "SMTP_UNAVAILABLE")
    assert answer.json()["retry_after"] == int(answer.headers["Retry-After"])
    assert count("outbound_submission") == 0


def test_a05_without_a_sender_it_says_what_to_do(shop: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM deliverability_sendingdomain")
    answer = shop.send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (400, "SENDER_REFUSED")
    assert "sending domain" in answer.json()["message"]


def test_a05_maintenance_is_503(shop: Program) -> None:
    Setting.objects.create(name="maintenance", value={"enabled": True})
    answer = shop.send(HELLO)
    assert (answer.status_code, answer.json()["code"]) == (503, "MAINTENANCE")
    assert count("outbound_submission") == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405(shop: Program, method: str) -> None:
    answer = shop.call(method, "/send", HELLO)
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_unsubscribed_from_marketing_still_gets_it(shop: Program) -> None:
    Suppression.objects.create(email="user@example.com", email_key="user@example.com", reason="unsubscribed")
    assert shop.send(HELLO).status_code == 202
