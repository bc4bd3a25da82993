"""What is refused before a view has anything to do with it: in JSON, in the one shape, without a traceback."""

from typing import Any

import pytest
from django.test import Client

from api.v2.keys.views import KeysView
from tenants.models import Tenant
from tests.api.v2_cast import caller

MIB = 1024 * 1024


def shape(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "field", "hint", "request_id"}
    assert body["error"]["request_id"] == answer["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(
    "path", ["/api/v2/nonsense", "/api/v2/keys/x", "/api/v2", "/api/v2/", "/webhook/nonsense", "/api/v2/%00"]
)
@pytest.mark.parametrize("host", ["localhost", "acme.testserver", "nobody.testserver"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_path_or_host_is_404_in_json(acme: Tenant, path: str, host: str, debug: bool, settings: Any) -> None:
    settings.DEBUG = debug
    for method in ("GET", "POST", "DELETE"):
        assert shape(Client().generic(method, path, headers={"host": host})) == (404, "not_found")


def test_a_host_that_is_none_is_400_in_json(db: None) -> None:
    answer = Client(raise_request_exception=False).get("/api/v2/keys/1", headers={"host": "a b"})
    assert shape(answer) == (400, "bad_request")


def test_a_fault_of_ours_is_500_in_json(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("tenants.middleware.TenantMiddleware.__call__", fail)
    answer = Client(raise_request_exception=False).get("/api/v2/keys/1", headers={"host": "localhost"})
    assert shape(answer) == (500, "internal_error")
    assert b"inside" not in answer.content
    assert b"ZeroDivisionError" not in answer.content


def test_a_desk_keeps_its_pages(acme: Tenant) -> None:
    answer = Client().get("/nonsense", headers={"host": "acme.testserver"})
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_a_body_over_the_limit_is_refused_before_it_is_parsed(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = caller(acme, scopes=["admin"])
    headers = {"host": "localhost", "x-api-key": client.key}

    def post(size: int, **more: str) -> Any:
        body = b"{" + b" " * (size - 1)
        return Client().post("/api/v2/keys", body, content_type="application/json", headers={**headers, **more})

    assert shape(post(5 * MIB + 1)) == (413, "body_too_large")
    assert shape(post(5 * MIB + 1, idempotency_key="k")) == (413, "body_too_large")
    assert shape(post(5 * MIB)) == (400, "parse_error")
    monkeypatch.setattr(KeysView, "largest_body", 6 * MIB)
    assert shape(post(5 * MIB + 1)) == (400, "parse_error")
    assert shape(post(6 * MIB + 1)) == (413, "body_too_large")
    monkeypatch.setattr(KeysView, "largest_body", 1)
    assert shape(post(2)) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b'{"name": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"name": "x"}', "application/json; charset=zlib", 201),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"<x/>", "application/xml", 415),
        (b"{}", "nonsense", 415),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_no_json_is_refused(acme: Tenant, body: bytes, kind: str, status: int) -> None:
    headers = {"host": "localhost", "x-api-key": caller(acme, scopes=["admin", "read"]).key}
    answer = Client(raise_request_exception=False).generic(
        "POST", "/api/v2/keys", body, content_type=kind, headers=headers
    )
    assert answer.status_code == status, answer.content


def test_a_method_that_a_path_does_not_know_is_405(acme: Tenant) -> None:
    answer = caller(acme, scopes=["admin"]).call("PATCH", "keys", {})
    assert answer.status_code == 405
    assert answer["Allow"]
    assert answer.json()["error"]["code"] == "method_not_allowed"
