"""One line for each call, without secrets."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.middleware import log
from common.jsonlog import JsonFormatter, masked
from tenants.models import ApiKey, Tenant
from tenants.services.keys import prefix_of
from tests.api.graphql_cast import asking
from tests.api.v2_cast import V2, caller

KEY = "ls_0123456789ab_" + "s" * 43


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    before = log.level
    logging.getLogger().addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield written
    finally:
        log.setLevel(before)
        logging.getLogger().removeHandler(handler)


def told(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_call_is_one_line_with_all_that_one_looks_for(acme: Tenant, lines: io.StringIO) -> None:
    client = caller(acme, scopes=["admin"])
    client.get(f"keys/{acme.pk}?limit=5&token=hidden", x_request_id="from-the-caller")
    (line,) = told(lines)
    duration = line.pop("duration_ms")
    assert isinstance(duration, float)
    assert duration >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "INFO",
        "logger": "lettershop.requests",
        "message": f"GET /api/v2/keys/{acme.pk} 200",
        "request_id": "from-the-caller",
        "tenant": "acme",
        "api_key_id": ApiKey.objects.get(prefix=prefix_of(client.key)).pk,
        "method": "GET",
        "path": f"/api/v2/keys/{acme.pk}",
        "status": 200,
    }


def test_a_question_by_graphql_is_one_line_too(acme: Tenant, lines: io.StringIO) -> None:
    assert asking(acme).data("{ contactCount }") == {"contactCount": 0}
    (line,) = told(lines)
    assert (line["message"], line["tenant"]) == ("POST /graphql 200", "acme")


def test_a_call_of_nobody_is_told_too(acme: Tenant, lines: io.StringIO) -> None:
    V2(acme, KEY).get(f"{KEY}?api_key={KEY}")
    line = next(line for line in told(lines) if line["logger"] == "lettershop.requests")
    assert (line["tenant"], line["api_key_id"], line["status"]) == (None, None, 404)
    assert line["path"] == "/api/v2/ls_0123456789ab_***"
    assert "sss" not in lines.getvalue()


def test_lines_of_the_same_call_have_its_request_id(
    acme: Tenant, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError(f"while using {KEY}")

    monkeypatch.setattr("api.v2.keys.views.create_api_key", fail)
    answer = caller(acme, scopes=["admin"]).post("keys", {"name": "x", "scopes": ["admin"]}, x_request_id="abc")
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert (error["code"], error["request_id"]) == ("internal_error", "abc")
    assert "Traceback" not in answer.content.decode()
    assert {line["request_id"] for line in told(lines)} == {"abc"}
    assert any("ZeroDivisionError" in line.get("error", "") for line in told(lines))
    assert "sss" not in lines.getvalue()


def test_desks_are_not_in_this_log(acme: Tenant, lines: io.StringIO) -> None:
    V2(acme, "").client.get("/admin/login/", headers={"host": "acme.testserver"})
    assert not told(lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} used", "key ls_0123456789ab_*** used"),
        ("Authorization: Bearer abc.def-123_x", "Authorization: Bearer ***"),
        ("bearer  abcdefgh", "bearer  ***"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("it is eyJhbGciOiJI.eyJpc3MiOiJs.c2lnbmF0dXJl here", "it is *** here"),
        ('{"password": "p\\"q", "name": "n"}', '{"password": "***", "name": "n"}'),
        ("{'smtp_password': 'pq', 'x': 1}", "{'smtp_password': '***', 'x': 1}"),
        ("X-API-Key: my-own-key", "X-API-Key: ***"),
        ("?api_key=abc&limit=5", "?api_key=***&limit=5"),
        ("no secrets here, only a monkey: bananas", "no secrets here, only a monkey: bananas"),
        ("Bearer of news", "Bearer of news"),
    ],
)
def test_secrets_in_text_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_secrets_inside_structures_and_tracebacks_are_masked() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "sent", (), None)
    record.payload = {"user": {"password": "pq", "list": [KEY, {"token": "t"}]}, "other": ("Bearer abcdefgh",)}
    try:
        raise ValueError(f"bad {KEY}")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = JsonFormatter().format(record)
    assert json.loads(line)["payload"] == {
        "user": {"password": "***", "list": ["ls_0123456789ab_***", {"token": "***"}]},
        "other": ["Bearer ***"],
    }
    assert "sss" not in line
