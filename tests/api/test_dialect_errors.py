"""What no view says is said in the words of the dialect whose path was asked for."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant
from tests.api.relay_cast import relay

Said = Callable[[Any], tuple[int, str]]


def aegis(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error", "message", "code", "timestamp"}
    assert datetime.fromisoformat(body["timestamp"]).tzinfo
    return answer.status_code, body["code"]


def gateway(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"detail"}
    told = body["detail"]
    return answer.status_code, told if isinstance(told, str) else told[0]["msg"]


def relayed(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details", "request_id", "timestamp"}
    assert body["error"]["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


def hosted(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"success", "error", "requestId"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message"}
    assert body["requestId"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


UNKNOWN = [
    ("/send/msg_abc", aegis, "NOT_FOUND"),
    ("/send/a/b", aegis, "NOT_FOUND"),
    ("/status/x", aegis, "NOT_FOUND"),
    ("/api/v1/send/x", gateway, "There is no such path."),
    ("/api/", relayed, "NOT_FOUND"),
    ("/api/nonsense/", relayed, "NOT_FOUND"),
    ("/api/v2x", relayed, "NOT_FOUND"),
    ("/api/v1/nonsense", relayed, "NOT_FOUND"),
    ("/api/v1/emailsx", relayed, "NOT_FOUND"),
    ("/v1/messages/x/y", relayed, "NOT_FOUND"),
    ("/api/v1/emails/x/y", hosted, "NOT_FOUND"),
]


@pytest.mark.parametrize(("path", "said", "code"), UNKNOWN, ids=[path for path, _, _ in UNKNOWN])
@pytest.mark.parametrize("host", ["localhost", "acme.testserver", "nobody.testserver"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_path_or_host_is_404(
    acme: Tenant, settings: Any, path: str, said: Said, code: str, host: str, debug: bool
) -> None:
    settings.DEBUG = debug
    for method in ("GET", "POST", "DELETE"):
        answer = Client().generic(method, path, headers={"host": host})
        assert answer.headers["Content-Type"] == "application/json"
        assert said(answer) == (404, code)


KNOWN = [
    ("DELETE", "/send", aegis, "METHOD_NOT_ALLOWED"),
    ("POST", "/send/msg_abc/status", aegis, "METHOD_NOT_ALLOWED"),
    ("PUT", "/status", aegis, "METHOD_NOT_ALLOWED"),
    ("GET", "/api/v1/send", gateway, "Method Not Allowed"),
    ("PATCH", "/api/messages", relayed, "METHOD_NOT_ALLOWED"),
    ("POST", "/v1/stats", relayed, "METHOD_NOT_ALLOWED"),
    ("PUT", "/api/v1/emails", hosted, "METHOD_NOT_ALLOWED"),
]


@pytest.mark.parametrize(
    ("method", "path", "said", "code"), KNOWN, ids=[f"{method} {path}" for method, path, _, _ in KNOWN]
)
def test_a_method_that_a_path_does_not_know_is_405(acme: Tenant, method: str, path: str, said: Said, code: str) -> None:
    answer = relay(acme).call(method, path)
    assert said(answer) == (405, code)
    assert method not in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("/send", aegis, (400, "VALIDATION_FAILED")),
        ("/api/v1/send", gateway, (422, "This request cannot be understood.")),
        ("/api/messages", relayed, (400, "INVALID_REQUEST")),
        ("/api/v1/emails", hosted, (400, "VALIDATION_ERROR")),
    ],
)
def test_a_host_that_is_none_is_refused(db: None, path: str, said: Said, expected: tuple[int, str]) -> None:
    answer = Client(raise_request_exception=False).post(path, headers={"host": "a b"})
    assert said(answer) == expected


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        ("/send", aegis, "INTERNAL_ERROR"),
        ("/api/v1/send", gateway, "Internal Server Error"),
        ("/api/messages", relayed, "INTERNAL_ERROR"),
        ("/api/v1/emails", hosted, "INTERNAL_ERROR"),
    ],
)
def test_a_fault_of_ours_is_500_and_tells_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch, path: str, said: Said, code: str
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("tenants.middleware.TenantMiddleware.__call__", fail)
    answer = Client(raise_request_exception=False).post(path, headers={"host": "localhost"})
    assert said(answer) == (500, code)
    assert b"inside" not in answer.content
    assert b"ZeroDivisionError" not in answer.content
