"""Which pages may call the APIs from a browser."""

from typing import Any

from django.test import Client

from tenants.models import Tenant
from tests.api.v2_cast import caller

PAGE = "https://app.example.com"


def test_no_page_may_unless_the_operator_lists_it(acme: Tenant) -> None:
    answer = caller(acme, scopes=["admin"]).get(f"keys/{acme.pk}", origin=PAGE)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_a_listed_page_may_and_reads_the_headers_it_needs(acme: Tenant, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    client = caller(acme, scopes=["admin"])
    for path, status in ((f"keys/{acme.pk}", 200), (f"keys/{acme.pk}/1", 404), ("nonsense", 404)):
        answer = client.get(path, origin=PAGE)
        assert answer.status_code == status
        assert answer["Access-Control-Allow-Origin"] == PAGE
        assert answer["Access-Control-Allow-Credentials"] == "true"
        exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
        assert exposed >= {"X-Request-ID", "X-RateLimit-Remaining", "X-Next-Cursor", "Retry-After"}
    assert "Access-Control-Allow-Origin" not in client.get(f"keys/{acme.pk}", origin="https://evil.example").headers


def test_the_question_before_a_call_is_answered_without_a_key(acme: Tenant, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    asked = {
        "host": "localhost",
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, x-api-key, idempotency-key",
    }
    answer = Client().options("/api/v2/keys", headers=asked)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in answer["Access-Control-Allow-Methods"]
    assert {"x-api-key", "idempotency-key", "authorization", "x-workspace-id"} <= set(
        answer["Access-Control-Allow-Headers"].split(", ")
    )
    assert answer["X-Request-ID"]


def test_desks_are_not_for_pages_of_others(acme: Tenant, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    answer = Client().get("/admin/login/", headers={"host": "acme.testserver", "origin": PAGE})
    assert "Access-Control-Allow-Origin" not in answer.headers
