"""The quick way in answers as the dialects' views do, and keeps what it promised."""

import asyncio
import base64
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from api.access.key_checks import forget_keys, state_of_key
from api.intake import Committer, IntakeDoors
from common.database import conninfo
from common.jsonlog import JsonFormatter
from contacts.models import Suppression
from deliverability.models import SendingDomain
from outbound.models import Message, ProviderAccount
from tenants.models import Tenant, WaitingMail
from tenants.scope import hosts, tenant_scope
from tenants.services.keys import create_api_key
from tests.api.limits_cast import empty_windows

GATEWAY = {"to": "ana@example.com", "subject": "Hi", "html_body": "<p>Hi</p>", "text_body": "Hi"}
AEGIS = {"to": "ana@example.com", "subject": "Hi", "body": "Hello"}
RELAY = {"from": "a@live.example", "to": ["ana@example.com"], "subject": "Hi", "text_body": "Hello"}
HOSTING = {"from": "a@live.example", "to": ["ana@example.com"], "subject": "Hi", "text": "Hello"}
PLAIN = {
    "/send": AEGIS,
    "/api/v1/send": GATEWAY,
    "/api/messages": RELAY,
    "/v1/messages": RELAY,
    "/api/v1/emails": HOSTING,
}
# What each answer has of its own.
_ITS_OWN = {"message_id", "id", "timestamp", "request_id", "requestId", "queued_at", "createdAt", "estimated_send_time"}
_TOLD = ("content-type", "retry-after", "x-ratelimit-limit", "x-ratelimit-workspace", "x-content-type-options")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Doors:
    """The quick doors, and how often they passed a call on."""

    def __init__(self, key: str) -> None:
        self.key, self.passed_on = key, 0

    def post(self, *requests: tuple[str, Any], **headers: str) -> list[Answer]:
        """All at once, on one event loop."""
        return asyncio.run(self._post_all(requests, headers))

    async def _post_all(self, requests: Any, headers: dict[str, str]) -> list[Answer]:
        doors = IntakeDoors(Committer(conninfo()), self._forward)
        try:
            return await asyncio.gather(*(self._post(doors, path, body, headers) for path, body in requests))
        finally:
            await doors.stop()

    async def _post(self, doors: IntakeDoors, path: str, body: Any, headers: dict[str, str]) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {
            "host": "live.testserver",
            "x-api-key": self.key,
            "content-type": "application/json",
            "content-length": str(len(data)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 4711),
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        assert doors.matches(scope)
        await doors(scope, receive, send)
        names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], names, json.loads(sent[1]["body"]) if sent[1]["body"] else None)

    async def _forward(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed_on += 1
        message = await receive()
        assert not message["more_body"]
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def tenant(live_tenant: Tenant) -> Iterator[Tenant]:
    SendingDomain.objects.create(name="live.example")
    ProviderAccount.objects.create(name="relay", host="127.0.0.1", port=2525, tls="none")
    # As Django's middleware would have found out at the first call.
    for host in ("live.testserver", "acme.testserver", "localhost", "nobody.example"):
        hosts.find(host)
    yield live_tenant
    hosts.forget()
    WaitingMail.objects.filter(schema=live_tenant.schema_name).delete()
    forget_keys()


@pytest.fixture
def doors(tenant: Tenant) -> Doors:
    _, key = create_api_key(tenant=tenant, name="quick", scopes=["send"])
    assert state_of_key(key) is not None
    return Doors(key)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logs = [logging.getLogger("lettershop.requests"), logging.getLogger("api.gateway.sending")]
    before = [log.level for log in logs]
    for log in logs:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    yield written
    for log, level in zip(logs, before, strict=True):
        log.removeHandler(handler)
        log.setLevel(level)


def slow(tenant: Tenant, key: str, path: str, body: Any) -> Answer:
    """The same call through Django's whole stack."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with tenant_scope(tenant):
        found = Client(raise_request_exception=False).generic(
            "POST", path, data, content_type="application/json", headers={"host": "live.testserver", "x-api-key": key}
        )
    connection.set_tenant(tenant)
    return Answer(found.status_code, {name.lower(): value for name, value in found.headers.items()}, found.json())


def without_its_own(body: Any) -> Any:
    if isinstance(body, dict):
        return {
            name: type(value).__name__ if name in _ITS_OWN else without_its_own(value) for name, value in body.items()
        }
    return [without_its_own(one) for one in body] if isinstance(body, list) else body


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_send_is_answered_here_and_stored(tenant: Tenant, doors: Doors, path: str) -> None:
    (answer,) = doors.post((path, PLAIN[path]), x_request_id="mine-7")
    assert (answer.status, doors.passed_on, answer.headers["x-request-id"]) == (202, 0, "mine-7")
    assert Message.objects.count() == 1
    assert WaitingMail.objects.filter(schema=tenant.schema_name).exists()


def test_the_public_host_is_everybodys(doors: Doors) -> None:
    (answer,) = doors.post(("/send", AEGIS), host="localhost:8000")
    assert (answer.status, doors.passed_on) == (202, 0)


def test_a_thousand_requests_good_and_bad_are_answered_alike_both_ways(tenant: Tenant, doors: Doors) -> None:
    Suppression.objects.create(email="dead@example.com", email_key="dead@example.com", reason="hard_bounce")
    requests = [(path, body) for path in PLAIN for body in _variants(PLAIN[path])]
    requests = (requests * (1000 // len(requests) + 1))[:1000]
    quick = doors.post(*requests)
    assert doors.passed_on == 0
    stored = Message.objects.count()
    assert stored == sum(1 for one in quick if one.status == 202)
    known: dict[str, Answer] = {}
    for (path, body), ours in zip(requests, quick, strict=True):
        # Calls that are the same word for word are asked once: the slow way takes its time.
        name = f"{path} {body!r}"
        theirs = known.setdefault(name, known.get(name) or slow(tenant, doors.key, path, body))
        assert (ours.status, without_its_own(ours.body)) == (theirs.status, without_its_own(theirs.body)), name
        assert {name: ours.headers.get(name) for name in _TOLD} == {name: theirs.headers.get(name) for name in _TOLD}
    assert Message.objects.count() == stored + sum(1 for one in known.values() if one.status == 202)


def _variants(good: dict[str, Any]) -> Iterator[Any]:
    """The good body, and each field of it missing, of another type, hostile."""
    yield good
    yield {**good, "unknown": 1}
    for name in good:
        yield {other: value for other, value in good.items() if other != name}
        for value in (None, 7, True, "", [], {}, ["x"], "a\r\nBcc: e@x.test", "half \ud800", "nul \x00", "x" * 2000):
            yield {**good, name: value}
    for more in (
        {"to": "dead@example.com"},
        {"to": ["dead@example.com"]},
        {"cc": [{"email": "b@example.com"}], "bcc": ["c@example.com"]},
        {"priority": 9},
        {"priority": 1},
        {"from": "a@other.example"},
        {"headers": {"X-Evil\r\nBcc": "e@x.test"}},
        {"headers": {"Reply-To": "desk@live.example", "X-Order": "7"}},
        {"attachments": [{"name": "a.txt", "filename": "a.txt", "content": base64.b64encode(b"hello").decode()}]},
        {"attachments": [{"name": "a.txt", "filename": "a.txt", "content": "no base64!"}]},
    ):
        yield {**good, **more}
    yield []
    yield "text"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"idempotency_key": "k"}, AEGIS),
        ({"x_workspace_id": "ws-001"}, AEGIS),
        ({"authorization": "Bearer x"}, AEGIS),
        ({"content_encoding": "gzip"}, AEGIS),
        ({"content_type": "text/plain"}, AEGIS),
        ({"x_api_key": "ls_000000000000_wrong"}, AEGIS),
        ({"host": "acme.testserver"}, AEGIS),
        ({"host": "nobody.example"}, AEGIS),
        ({"host": "never.asked.example"}, AEGIS),
        ({}, b"{not json"),
        ({}, {**AEGIS, "workspace_id": "ws-001"}),
        ({}, {**AEGIS, "body": "x" * 70_000}),
    ],
)
def test_whatever_is_unusual_is_passed_on_untouched(doors: Doors, headers: dict[str, str], body: Any) -> None:
    (answer,) = doors.post(("/send", body), **headers)
    assert (answer.status, doors.passed_on) == (299, 1)
    assert not Message.objects.exists()


@pytest.mark.parametrize("path", PLAIN)
def test_one_call_too_many_is_answered_alike_both_ways(tenant: Tenant, doors: Doors, settings: Any, path: str) -> None:
    settings.API_LIMIT_PER_KEY = settings.API_LIMIT_AEGIS = settings.RATE_LIMIT_MAX = 1
    settings.RELAY_DEPRECATED_PATHS = "/v1=2099-12-31"
    with empty_windows():
        doors.post((path, PLAIN[path]))
        (ours,) = doors.post((path, PLAIN[path]))
        theirs = slow(tenant, doors.key, path, PLAIN[path])
    assert (ours.status, theirs.status, doors.passed_on) == (429, 429, 0)
    told = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-workspace", "sunset", "deprecation", "link")
    assert {name: ours.headers.get(name) for name in told} == {name: theirs.headers.get(name) for name in told}
    for name in ("retry-after", "x-ratelimit-reset", "x-ratelimit-reset-after"):
        assert (name in ours.headers) == (name in theirs.headers), name


def test_g07_a_gateway_that_takes_little_takes_no_more_here(doors: Doors, settings: Any) -> None:
    size = len(json.dumps(GATEWAY).encode())
    settings.MAX_REQUEST_SIZE = size
    (answer,) = doors.post(("/api/v1/send", GATEWAY))
    assert (answer.status, doors.passed_on) == (202, 0)
    settings.MAX_REQUEST_SIZE = size - 1
    answers = doors.post(("/api/v1/send", GATEWAY), ("/send", {**AEGIS, "body": "x" * size}))
    assert [answer.status for answer in answers] == [299, 202]  # the size is the gateway's only
    assert doors.passed_on == 1


def test_g05_every_line_about_a_message_has_the_id_of_its_request(doors: Doors, lines: io.StringIO) -> None:
    doors.post(("/api/v1/send", GATEWAY), x_request_id="req_abc123")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {"Email queued for delivery", "POST /api/v1/send 202"} <= {line["message"] for line in told}
    assert {line.get("request_id") for line in told} == {"req_abc123"}


def test_a_key_without_the_scope_or_of_an_admin_is_passed_on(tenant: Tenant) -> None:
    for options in ({"scopes": ["read"]}, {"is_admin": True}):
        _, key = create_api_key(tenant=tenant, name="other", **options)
        assert state_of_key(key) is not None
        doors = Doors(key)
        doors.post(("/send", AEGIS))
        assert doors.passed_on == 1


def test_two_hundred_at_once_never_take_one_too_many(tenant: Tenant) -> None:
    _, key = create_api_key(tenant=tenant, name="few", scopes=["send"], daily_limit=15)
    assert state_of_key(key) is not None
    answers = Doors(key).post(*[("/api/v1/send", GATEWAY)] * 200)
    assert sorted(answer.status for answer in answers) == [202] * 15 + [429] * 185
    assert sorted(int(one.headers["x-ratelimit-remaining"]) for one in answers if one.status == 202) == list(range(15))
    assert Message.objects.count() == 15


def test_one_that_cannot_be_stored_takes_no_other_along(
    tenant: Tenant, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbound_submission ADD CONSTRAINT no_cats CHECK (subject <> 'cat') NOT VALID")
    try:
        bodies = [{**AEGIS, "subject": "cat" if number == 3 else f"dog {number}"} for number in range(8)]
        answers = doors.post(*[("/send", body) for body in bodies])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE outbound_submission DROP CONSTRAINT no_cats")
    assert [answer.status for answer in answers] == [202] * 3 + [500] + [202] * 4
    assert Message.objects.count() == 7
