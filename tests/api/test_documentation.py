"""V31 and H25: the documentation, from our own files and without a word of warning."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from api.docs.document import compressed_document, openapi_document, served_document

HOSTS = ("localhost", "acme.testserver")


@pytest.fixture
def document(db: None) -> dict:
    return json.loads(Client().get("/openapi.json", headers={"host": "localhost"}).content)


def test_v31_the_generator_has_nothing_to_complain_about(db: None) -> None:
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert dict(GENERATOR_STATS._error_cache) == {}
    assert dict(GENERATOR_STATS._warn_cache) == {}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api-docs", "/docs/"])
def test_v31_the_pages_come_without_a_content_delivery_network(db: None, host: str, path: str) -> None:
    answer = Client().get(path, headers={"host": host}, follow=True)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "http://" not in page
    assert "https://" not in page
    loaded = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert loaded
    for name in loaded:
        assert finders.find(name), name


def test_v31_the_document_says_how_to_identify_oneself(document: dict) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    open_ones = {
        path for path, _, operation in _operations(document) if {"key": []} not in operation.get("security", [])
    }
    assert open_ones == WITHOUT_KEY


# What needs no key, has one in its body, or has another.
WITHOUT_KEY = {
    "/api/v2/webhooks/health",
    "/api/auth/refresh",
    "/send/{message_id}/status",
    "/status",
    "/health",
    "/health/metrics",
    "/health/ping",
    "/health/ready",
    "/metrics",
}


def _operations(document: dict) -> list[tuple[str, str, dict]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(
    "operation",
    [
        "POST /send",
        "GET /send/{message_id}/status",
        "GET /status",
        "POST /api/v1/send",
        "POST /api/messages",
        "PUT /api/messages/{message_id}/retry",
        "GET /api/campaigns/{campaign_id}/stats",
        "GET /api/stats/realtime",
        "PUT /api/recipients/{email}",
        "POST /api/admin/maintenance/cleanup",
        "GET /api/providers/mailgun/domains",
        "POST /api/auth/refresh",
        "POST /api/v1/emails/{email_id}/resend",
        "GET /api/v1/emails/stats",
        "GET /health/metrics",
        "GET /metrics",
    ],
)
def test_the_paths_of_every_dialect_are_in_the_document(document: dict, operation: str) -> None:
    method, path = operation.split()
    assert method.lower() in document["paths"][path]


def test_a_path_that_answers_below_three_roots_is_in_the_document_once(document: dict) -> None:
    roots = re.compile("/v1/|/api/v1/(?!send|emails)")
    assert [path for path in document["paths"] if roots.match(path)] == []


def test_v31_every_operation_says_what_it_does_and_shows_a_body_to_send(document: dict) -> None:
    missing = []
    for path, method, operation in _operations(document):
        if not operation.get("summary") or not operation.get("tags"):
            missing.append(f"{method} {path}: no summary or tag")
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if body and "examples" not in body:
            missing.append(f"{method} {path}: no example of the body")
        if "401" not in operation["responses"] and path not in WITHOUT_KEY:
            missing.append(f"{method} {path}: errors are not documented")
    assert missing == []


def test_v31_the_names_of_operations_are_unique(document: dict) -> None:
    names = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(names) == len(set(names))


def test_v31_a_post_that_may_be_repeated_says_so(document: dict) -> None:
    once = {
        path for path, _, operation in _operations(document) if "Idempotency-Key" in str(operation.get("parameters"))
    }
    posts = {path for path, method, _ in _operations(document) if method == "post"}
    hooks = {path for path in posts if path.startswith("/api/v2/webhooks/")}
    assert posts - once == NOT_ONCE | hooks
    assert [path for path in once if "409" not in document["paths"][path]["post"]["responses"]] == []


def test_all_errors_of_an_operation_have_the_shape_of_its_dialect(document: dict) -> None:
    for path, method, operation in _operations(document):
        errors = {
            answer["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
            for status, answer in operation["responses"].items()
            if status >= "400" and "application/json" in answer.get("content", {}) and not path.startswith("/health")
        }
        assert len(errors - OF_ONE_STATUS) <= 1, (method, path, errors)


# The gateway's 422 lists what is wrong, and a template's says in which line.
OF_ONE_STATUS = {"GatewayFaults", "TemplateErrorAnswer"}


def test_v31_every_answer_is_described_with_its_headers(document: dict) -> None:
    known = set(document["components"]["headers"])
    for path, _, operation in _operations(document):
        for status, answer in operation["responses"].items():
            assert answer.get("content") or status in ("204", "405"), (path, status)
            named = {one["$ref"].rsplit("/")[-1] for one in answer["headers"].values() if "$ref" in one}
            assert answer["description"], (path, status)
            assert "X-Request-ID" in named <= known, (path, status)
            if status == "429":
                assert {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= named


# A check changes nothing, a token is not kept, and what was cleaned up is gone the second time.
NOT_ONCE = {
    "/api/v2/validation/{tenant_id}/check",
    "/api/v2/tokens",
    "/api/auth/token",
    "/api/auth/refresh",
    "/api/admin/maintenance/cleanup",
    "/api/providers/gmail/validate",
    "/api/providers/mailgun/validate",
}
# What they do needs nothing but the path.
WITHOUT_BODY = {
    "data_sources_test",
    "endpoints_pause",
    "endpoints_resend",
    "endpoints_resume",
    "endpoints_test",
    "hosting_emails_resend",
    "relay_messages_retry",
    "campaigns_cancel",
    "campaigns_pause",
    "campaigns_resume",
    "campaigns_send",
    "imports_resume",
    "imports_stop",
}


def test_v31_every_post_that_reads_a_body_documents_it(document: dict) -> None:
    silent = {
        operation["operationId"]
        for _, method, operation in _operations(document)
        if method in ("post", "put") and "requestBody" not in operation
    }
    assert silent == WITHOUT_BODY


def test_v31_the_document_is_sent_packed_to_whoever_can_unpack_it(db: None) -> None:
    plain = Client().get("/openapi.json", headers={"host": "localhost"})
    packed = Client().get("/openapi.json", headers={"host": "localhost", "accept-encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 5


@pytest.fixture
def another_process() -> Iterator[Callable[[], None]]:
    """Forget what this process knows of the document, as one that has just begun."""

    def begin() -> None:
        for known in (openapi_document, served_document, compressed_document):
            known.cache_clear()

    begin()
    yield begin
    begin()


def test_v31_what_one_process_has_made_the_others_serve(
    db: None, another_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Client().get("/openapi.json", headers={"host": "localhost"}).content
    another_process()
    monkeypatch.setattr("api.docs.document.SchemaGenerator", None)
    for encoding in ("identity", "gzip"):
        answer = Client().get("/openapi.json", headers={"host": "localhost", "accept-encoding": encoding})
        assert (gzip.decompress(answer.content) if encoding == "gzip" else answer.content) == made


def test_v31_another_version_of_the_program_makes_its_own(
    db: None, another_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Client().get("/openapi.json", headers={"host": "localhost"})
    another_process()
    monkeypatch.setattr("api.docs.document._SOURCES", tmp_path)
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "views.py").write_text("changed = True")
    monkeypatch.setattr("api.docs.document.SchemaGenerator", lambda: Made())
    assert Client().get("/openapi.json", headers={"host": "localhost"}).json() == {"made": "anew"}


class Made:
    def get_schema(self, **_: object) -> dict[str, str]:
        return {"made": "anew"}
