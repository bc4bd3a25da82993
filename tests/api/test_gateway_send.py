"""G1 to G7: the gateway's one path, through the whole of Django."""

import http.client
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from api.middleware import log
from common.jsonlog import JsonFormatter
from contacts.models import Suppression
from tenants.models import ApiKey, Tenant, Usage
from tests.api.clients.cast import Program, count, make_ready, program, stored
from tests.api.limits_cast import at_once
from tests.api.live import listening

PATH = "/api/v1/send"
HELLO: dict[str, Any] = {
    "to": "user@example.com",
    "subject": "Welcome!",
    "html_body": "<h1>Welcome to our service!</h1>",
    "text_body": "Welcome to our service!",
}


@pytest.fixture
def shop(acme: Tenant) -> Program:
    make_ready()
    return program(acme, PATH)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the log says meanwhile, as JSON."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    loggers = (log, logging.getLogger("api.gateway.sending"))
    logging.getLogger().addHandler(handler)
    for one in loggers:
        one.setLevel(logging.INFO)
    yield written
    for one in loggers:
        one.setLevel(logging.NOTSET)
    logging.getLogger().removeHandler(handler)


def faults(answer: Any) -> list[tuple[list[Any], str]]:
    assert answer.status_code == 422
    assert list(answer.json()) == ["detail"]
    assert all(list(one) == ["loc", "msg", "type"] for one in answer.json()["detail"])
    return [(one["loc"], one["type"]) for one in answer.json()["detail"]]


def test_g01_a_message_is_accepted(shop: Program) -> None:
    answer = shop.send(HELLO)
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    body = answer.json()
    assert set(body) == {"message", "message_id"}
    assert body["message"] == "Email queued for delivery"
    kept = stored(body["message_id"])
    assert (kept["door"], kept["state"], kept["priority"]) == ("gateway", "queued", 3)
    assert (kept["subject"], kept["html"], kept["text"]) == ("Welcome!", HELLO["html_body"], HELLO["text_body"])
    assert kept["people"] == [("to", "user@example.com", "")]
    assert kept["from_address"] == "news@shop.example"
    assert count("outbound_queue") == 1


def test_g01_headers_go_along(shop: Program) -> None:
    answer = shop.send(
        HELLO | {"headers": {"Reply-To": "noreply@example.com", "X-Priority": "1", "X-Campaign": "Spring"}}
    )
    assert answer.status_code == 202, answer.content
    kept = stored(answer.json()["message_id"])
    assert kept["reply_to"] == [["noreply@example.com", ""]]
    assert kept["headers"] == [["X-Priority", "1"], ["X-Campaign", "Spring"]]
    assert kept["priority"] == 1


def test_g01_one_of_the_two_bodies_is_enough(shop: Program) -> None:
    for name in ("html_body", "text_body"):
        assert shop.send({field: value for field, value in HELLO.items() if field != name}).status_code == 202


def test_g01_the_same_message_is_found_by_the_other_dialect(shop: Program) -> None:
    name = shop.send(HELLO).json()["message_id"]
    assert shop.get(f"/send/{name}/status").json()["status"] == "queued"


def test_g01_the_same_call_twice_sends_once(shop: Program) -> None:
    first, again = (shop.send(HELLO, idempotency_key="one") for _ in range(2))
    assert (again.status_code, again.json()) == (202, first.json())
    other = shop.send(HELLO | {"subject": "x"}, idempotency_key="one")
    assert (other.status_code, list(other.json())) == (409, ["detail"])
    assert count("outbound_submission") == 1


def test_g02_without_a_good_key_it_is_401(shop: Program) -> None:
    for headers in ({"x_api_key": ""}, {"x_api_key": "sk_test_default_key_123"}):
        answer = shop.send(HELLO, **headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API key"})
    assert shop.call("POST", f"{PATH}?api_key={shop.key}", HELLO, x_api_key="").status_code == 401
    assert count("outbound_submission") == 0


def test_g02_a_key_that_may_not_send_and_one_of_others_are_403(shop: Program, acme: Tenant, globex: Tenant) -> None:
    assert program(acme, PATH, scopes=["read"]).send(HELLO).status_code == 403
    assert program(globex, PATH).send(HELLO, x_workspace_id=acme.workspace_id).status_code == 403
    assert program(globex, PATH).send(HELLO, host="acme.testserver").status_code == 403
    assert count("outbound_submission") == 0


SMUGGLED = "a\r\nBcc: victim@example.com"
BAD: list[tuple[str, Any, list[Any], str]] = [
    ("no JSON", b"{to: 1}", ["body", 1], "json_invalid"),
    ("half an object", b'{"to": "a', ["body", 7], "json_invalid"),
    ("100,000 brackets", b"[" * 100_000, ["body", 0], "json_invalid"),
    ("NaN", b'{"to": NaN}', ["body", 0], "json_invalid"),
    ("no body", b"", ["body"], "missing"),
    ("a list", [HELLO], ["body"], "model_attributes_type"),
    ("an address without @", HELLO | {"to": "user"}, ["body", "to"], "value_error"),
    ("two addresses", HELLO | {"to": "a@b.example, c@d.example"}, ["body", "to"], "value_error"),
    ("a line break in to", HELLO | {"to": "a@b.example\r\nBcc: c@d.example"}, ["body", "to"], "value_error"),
    ("NUL in to", HELLO | {"to": "a\0@b.example"}, ["body", "to"], "value_error"),
    ("a line break in the subject", HELLO | {"subject": SMUGGLED}, ["body", "subject"], "value_error"),
    ("half a character in the subject", HELLO | {"subject": "\ud800"}, ["body", "subject"], "value_error"),
    ("NUL in HTML", HELLO | {"html_body": "a\0"}, ["body", "html_body"], "value_error"),
    ("half a character in the text", HELLO | {"text_body": "\udfff"}, ["body", "text_body"], "value_error"),
    ("a name that smuggles", HELLO | {"headers": {"X\r\nBcc": "a"}}, ["body", "headers", "X\r\nBcc"], "value_error"),
    ("a value that smuggles", HELLO | {"headers": {"X-A": SMUGGLED}}, ["body", "headers", "X-A"], "value_error"),
    ("another sender", HELLO | {"headers": {"From": "a@b.example"}}, ["body", "headers", "From"], "value_error"),
    ("a hidden copy", HELLO | {"headers": {"bcc": "a@b.example"}}, ["body", "headers", "bcc"], "value_error"),
    ("no address to answer", HELLO | {"headers": {"Reply-To": "x"}}, ["body", "headers", "Reply-To"], "value_error"),
]


@pytest.mark.parametrize(("body", "loc", "kind"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_g02_what_cannot_be_used_is_422(shop: Program, body: Any, loc: list[Any], kind: str) -> None:
    assert faults(shop.send(body)) == [(loc, kind)]
    assert count("outbound_submission") == 0
    assert not Usage.objects.filter(tenant=shop.tenant, used__gt=0).exists()


def test_g02_all_that_is_missing_is_told_at_once(shop: Program) -> None:
    assert faults(shop.send({"html_body": 1})) == [
        (["body", "to"], "missing"),
        (["body", "subject"], "missing"),
        (["body", "html_body"], "string_type"),
    ]


def test_g02_what_is_not_said_to_be_json_is_no_object(shop: Program) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert faults(shop.send(b"to=a", content_type=kind)) == [(["body"], "model_attributes_type")]


def test_g02_a_suppressed_address_is_refused(shop: Program) -> None:
    Suppression.objects.create(email="user@example.com", email_key="user@example.com", reason="complaint")
    assert faults(shop.send(HELLO)) == [(["body", "to"], "recipient_suppressed")]


def test_g02_what_breaks_is_500_and_says_nothing(shop: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbound_submission RENAME TO outbound_elsewhere")
    answer = shop.send(HELLO)
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_g02_other_methods_are_405(shop: Program, method: str) -> None:
    answer = shop.call(method, PATH)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_g03_the_day_s_limit_of_a_key(acme: Tenant) -> None:
    make_ready()
    shop = program(acme, PATH, daily_limit=2)
    first, second = shop.send(HELLO), shop.send(HELLO)
    assert [first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]] == ["2", "1"]
    assert second.headers["X-RateLimit-Remaining"] == "0"
    assert int(first.headers["X-RateLimit-Reset"]) > datetime.now(UTC).timestamp()
    assert shop.send(HELLO | {"to": "x"}).status_code == 422
    refused = shop.send(HELLO)
    assert (refused.status_code, list(refused.json())) == (429, ["detail"])
    assert "2 a day" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert count("outbound_submission") == 2
    assert Usage.objects.get(tenant=acme, key_id__gt=0).used == 2


def test_g03_a_refused_send_is_not_counted(acme: Tenant) -> None:
    make_ready()
    shop = program(acme, PATH, daily_limit=1)
    assert shop.send(HELLO | {"subject": SMUGGLED}).status_code == 422
    assert shop.send(HELLO).status_code == 202


def test_g03_without_any_limit_a_key_has_15_a_day(acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(plan=None)
    make_ready()
    shop = program(acme, PATH)
    assert shop.send(HELLO).headers["X-RateLimit-Limit"] == "15"
    Usage.objects.filter(tenant=acme, key_id__gt=0).update(used=15)
    assert shop.send(HELLO).status_code == 429


def test_g03_never_one_over_when_200_come_at_once(live_tenant: Tenant) -> None:
    make_ready()
    shop = program(live_tenant, PATH, daily_limit=15)
    connection.set_schema_to_public()
    with listening() as port:

        def one() -> int:
            client = http.client.HTTPConnection("localhost", port, timeout=60)
            headers = {"X-API-Key": shop.key, "Content-Type": "application/json"}
            client.request("POST", PATH, json.dumps(HELLO), headers)
            response = client.getresponse()
            response.read()
            client.close()
            return response.status

        answers = at_once(200, one)
    connection.set_tenant(live_tenant)
    assert sorted(answers) == [202] * 15 + [429] * 185
    assert count("outbound_submission") == 15
    key = ApiKey.objects.filter(tenant=live_tenant).latest("pk")
    assert Usage.objects.get(tenant=live_tenant, key_id=key.pk).used == 15


def _figure(said: str, start: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith(start))


def test_g04_metrics_move(acme: Tenant) -> None:
    make_ready()
    shop = program(acme, PATH, daily_limit=1)
    before = shop.get("/metrics").content.decode()
    assert [shop.send(HELLO).status_code for _ in range(3)] == [202, 429, 429]
    after = shop.get("/metrics").content.decode()
    for start, more in (
        ('rate_limit_checks_total{result="allowed"}', 1),
        ('rate_limit_checks_total{result="refused"}', 2),
        ('http_requests_total{method="POST",route="api/v1/send",status="202"}', 1),
        ('http_requests_total{method="POST",route="api/v1/send",status="429"}', 2),
        ('http_request_duration_seconds_count{method="POST",route="api/v1/send"}', 3),
    ):
        assert _figure(after, start) - _figure(before, start) == more, start
    assert "# TYPE email_sends_total counter" in after


def test_g05_one_line_follows_a_message(shop: Program, lines: io.StringIO) -> None:
    answer = shop.send(HELLO, x_request_id="req_abc123")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    (line,) = [one for one in told if one["message"] == "Email queued for delivery"]
    assert {"timestamp", "level", "message", "request_id", "api_key_id", "recipient", "message_id"} <= set(line)
    assert line["request_id"] == "req_abc123"
    assert line["recipient"] == "user@example.com"
    assert line["message_id"] == answer.json()["message_id"]
    assert line["api_key_id"] == ApiKey.objects.filter(tenant=shop.tenant).latest("pk").pk
    assert shop.key not in lines.getvalue()


def test_g05_what_is_secret_is_masked(shop: Program, lines: io.StringIO) -> None:
    shop.send(HELLO | {"to": "password=hunter2@example.com"})
    shop.send(HELLO | {"headers": {"X-Token": "Bearer abcdefghij"}})
    assert "hunter2" not in lines.getvalue()
    assert "abcdefghij" not in lines.getvalue()


def test_g06_a_key_is_made_by_command(acme: Tenant) -> None:
    make_ready()
    said = io.StringIO()
    call_command("create_api_key", "--tenant", "acme", "--name", "production", "--limit", "100", stdout=said)
    key = next(word for word in said.getvalue().split() if word.startswith("ls_"))
    answer = Program(acme, key, PATH).send(HELLO)
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (202, "100")


def test_g06_the_tenant_is_named_only_where_there_are_several(acme: Tenant) -> None:
    with pytest.raises(CommandError, match="several tenants"):
        call_command("create_api_key", "--name", "default", "--limit", "15")
    Tenant.objects.exclude(pk=acme.pk).update(is_active=False)
    said = io.StringIO()
    call_command("create_api_key", "--name", "default", "--limit", "15", "--json", stdout=said)
    made = json.loads(said.getvalue())
    assert (made["tenant"], made["admin"]) == ("acme", False)
    assert ApiKey.objects.get(prefix=made["prefix"]).daily_limit == 15
    Tenant.objects.filter(pk=acme.pk).update(is_active=False)
    with pytest.raises(CommandError, match="no tenant"):
        call_command("create_api_key", "--name", "default")


def test_g07_no_page_of_another_origin_may_call(shop: Program) -> None:
    asked = shop.call("OPTIONS", PATH, origin="https://evil.example", access_control_request_method="POST")
    assert "Access-Control-Allow-Origin" not in asked.headers
    assert "Access-Control-Allow-Origin" not in shop.send(HELLO, origin="https://evil.example").headers


def test_g07_a_request_has_262144_bytes_at_most(shop: Program) -> None:
    raw = json.dumps(HELLO).encode()
    assert shop.send(raw + b" " * (262_144 - len(raw))).status_code == 202
    over = shop.send(raw + b" " * (262_145 - len(raw)))
    assert (over.status_code, over.json()) == (413, {"detail": "Request body too large"})
    with override_settings(MAX_REQUEST_SIZE=100):
        assert shop.send(HELLO).status_code == 413
    assert count("outbound_submission") == 1
