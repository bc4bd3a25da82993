"""Every door that takes a message over HTTP, a live server behind it, and the mail that it would send."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from common.database import conninfo
from deliverability.services.domains import create_sending_domain
from outbound.mime.letter import CompiledLetter
from outbound.posting.letters import Letterheads
from outbound.posting.statements import for_schema
from outbound.posting.types import Mailroom
from outbound.services.providers import create_provider
from tenants.models import Tenant
from tenants.services.keys import create_api_key
from tests.api.live import listening

NO_LIMITS: dict[str, Any] = {
    "RATE_LIMIT_MAX": 0,
    "API_LIMIT_AEGIS": 0,
    "API_LIMIT_RELAY_TIERS": 0,
    "API_LIMIT_RELAY_SEND": 0,
    "API_LIMIT_RELAY_LIST": 0,
}
SENDER = "shop@acme.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Door:
    """`places` are where text goes: a name, and what puts a text there into a plain letter. `is_refusal` checks the shape
    of an error's body and gets the request id; `id_of` finds a message's id in a 202."""

    name: str
    path: str
    plain: Callable[[], dict[str, Any]]
    places: dict[str, Callable[[dict[str, Any], str], None]]
    is_refusal: Callable[[Any, str], bool]
    id_of: Callable[[Any], str]

    def __str__(self) -> str:
        return self.name


@dataclass
class Target:
    """A live server, and a tenant's key."""

    port: int
    key: str
    tenant: Tenant

    def post(self, path: str, body: bytes | str | Any, **headers: str) -> Answer:
        """`body`: bytes or text as they are, else JSON to be."""
        return self.call("POST", path, body if isinstance(body, bytes | str) else json.dumps(body), **headers)

    def call(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """Header names with underscores for hyphens."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {"host": "localhost", "x-api-key": self.key, "content-type": "application/json"}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            client.request(method, path, body, {name: text for name, text in named.items() if text})
            response = client.getresponse()
            told = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            client.close()

    def taken(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM outbound_submission")
            return int(cursor.fetchone()[0])

    def mails(self) -> dict[int, bytes]:
        """Every stored message as its first recipient would get it, by its number."""
        with psycopg.connect(conninfo(), autocommit=True) as opened:
            sql = for_schema(self.tenant.schema_name)
            with connection.cursor() as cursor:
                cursor.execute("SELECT month, message_id FROM outbound_submission")
                months, messages = zip(*cursor.fetchall(), strict=True)
            given = {"months": list(months), "messages": list(messages)}
            contents = {row[0]: row for row in opened.execute(sql.content, given).fetchall()}
            room = Mailroom(self.tenant.schema_name, self.tenant.pk, "test")
            letters = Letterheads().compile_all(opened, room, contents)
        connection.set_tenant(self.tenant)
        assert all(isinstance(letter, CompiledLetter) for letter in letters.values()), letters
        return {number: letter.wire(0, "ana@example.com")[1] for number, letter in letters.items()}  # type: ignore[union-attr]


@contextmanager
def under_attack(tenant: Tenant) -> Iterator[Target]:
    """The tenant can send, and calls are not counted; the tenant is a committed one."""
    create_sending_domain(name="acme.example")
    create_provider(name="relay", host="127.0.0.1", port=1, tls="none")
    _, key = create_api_key(tenant=tenant, name="attacker", daily_limit=1_000_000)
    with listening() as port:
        yield Target(port, key, tenant)


def _put(name: str) -> Callable[[dict[str, Any], str], None]:
    return lambda body, text: body.update({name: text})


def _file(name: str, key: str) -> Callable[[dict[str, Any], str], None]:
    plain = {name: "a.txt", "content": "SGk="}
    return lambda body, text: body.update({"attachments": [{**plain, key: text}]})


_HEADERS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "a header's name": lambda body, text: body.update({"headers": {f"X-A{text}": "1"}}),
    "a header's value": lambda body, text: body.update({"headers": {"X-A": f"1{text}"}}),
}


def _aegis_error(body: Any, request_id: str) -> bool:
    return {"error", "message", "code", "timestamp"} <= set(body)


def _gateway_error(body: Any, request_id: str) -> bool:
    detail = body["detail"]
    return isinstance(detail, str) or all(set(one) >= {"loc", "msg", "type"} for one in detail)


def _relay_error(body: Any, request_id: str) -> bool:
    error = body["error"]
    named = {"code", "message", "details", "request_id", "timestamp"}
    return body["success"] is False and set(error) == named and error["request_id"] == request_id


def _hosting_error(body: Any, request_id: str) -> bool:
    return body["success"] is False and {"code", "message"} <= set(body["error"]) and body["requestId"] == request_id


AEGIS = Door(
    "aegis",
    "/send",
    lambda: {"to": "ana@example.com", "subject": "Hello", "body": "Hello Ana"},
    {
        "to": _put("to"),
        "subject": _put("subject"),
        "body": _put("body"),
        "toName": _put("toName"),
        "replyTo": _put("replyTo"),
        "cc.email": lambda body, text: body.update(cc=[{"email": text}]),
        "cc.name": lambda body, text: body.update(cc=[{"email": "bo@example.com", "name": text}]),
        "bcc.email": lambda body, text: body.update(bcc=[{"email": text}]),
        "attachments.name": _file("name", "name"),
        "attachments.content": _file("name", "content"),
        **_HEADERS,
    },
    _aegis_error,
    lambda body: str(body["message_id"]),
)
GATEWAY = Door(
    "gateway",
    "/api/v1/send",
    lambda: {"to": "ana@example.com", "subject": "Hello", "text_body": "Hello Ana"},
    {
        "to": _put("to"),
        "subject": _put("subject"),
        "html_body": _put("html_body"),
        "text_body": _put("text_body"),
        "reply-to": lambda body, text: body.update(headers={"Reply-To": text}),
        **_HEADERS,
    },
    _gateway_error,
    lambda body: str(body["message_id"]),
)
RELAY = Door(
    "relay",
    "/api/messages",
    lambda: {"from": SENDER, "to": ["ana@example.com"], "subject": "Hello", "text_body": "Hello Ana"},
    {
        "from": _put("from"),
        "to": lambda body, text: body.update(to=[text]),
        "cc": lambda body, text: body.update(cc=[f"Bo {text} <bo@example.com>"]),
        "bcc": lambda body, text: body.update(bcc=[text]),
        "subject": _put("subject"),
        "html_body": _put("html_body"),
        "text_body": _put("text_body"),
        "campaign_id": _put("campaign_id"),
        "metadata": lambda body, text: body.update(metadata={"a": text}),
        "user_id": lambda body, text: body.update(metadata={"user_id": text}),
        "variables": lambda body, text: body.update(
            subject="Hello {{ name }}", personalization={"enabled": True, "variables": {"name": text}}
        ),
        "template": lambda body, text: body.update(
            subject=f"Hello {{{{ name{text} }}}}", personalization={"enabled": True, "variables": {"name": "Ana"}}
        ),
        "send_at": lambda body, text: body.update(scheduling={"send_at": f"2020-01-01T00:00:00Z{text}"}),
        "timezone": lambda body, text: body.update(
            scheduling={"send_at": "2020-01-01T00:00:00", "timezone": f"Europe/Rome{text}"}
        ),
        "reply-to": lambda body, text: body.update(headers={"Reply-To": text}),
        "x-metadata": lambda body, text: body.update(headers={"X-Metadata": text}),
        "attachments.filename": _file("filename", "filename"),
        "attachments.content": _file("filename", "content"),
        "attachments.content_type": _file("filename", "content_type"),
        **_HEADERS,
    },
    _relay_error,
    lambda body: str(body["data"]["message_id"]),
)
HOSTING = Door(
    "hosting",
    "/api/v1/emails",
    lambda: {"from": SENDER, "to": ["ana@example.com"], "subject": "Hello", "text": "Hello Ana"},
    {
        "from": _put("from"),
        "from.name": lambda body, text: body.update({"from": {"address": SENDER, "name": text}}),
        "to": _put("to"),
        "to.name": lambda body, text: body.update(to={"address": "ana@example.com", "name": text}),
        "cc": lambda body, text: body.update(cc=f"Bo {text} <bo@example.com>"),
        "bcc": _put("bcc"),
        "replyTo": _put("replyTo"),
        "replyTo.name": lambda body, text: body.update(replyTo={"address": "bo@example.com", "name": text}),
        "subject": _put("subject"),
        "text": _put("text"),
        "html": _put("html"),
        "metadata": lambda body, text: body.update(metadata={text: text}),
        "scheduledAt": lambda body, text: body.update(scheduledAt=f"2020-01-01T00:00:00{text}Z"),
        "priority": _put("priority"),
        "attachments.filename": _file("filename", "filename"),
        "attachments.content": _file("filename", "content"),
        "attachments.contentType": _file("filename", "contentType"),
        "attachments.cid": _file("filename", "cid"),
        **_HEADERS,
    },
    _hosting_error,
    lambda body: str(body["data"]["id"]),
)
DOORS = [AEGIS, GATEWAY, RELAY, HOSTING]


def check(door: Door, answer: Answer, *, allowed: tuple[int, ...] = (202,)) -> None:
    """One of `allowed`, or a refusal (4xx) in the dialect's own shape with its request id."""
    if answer.status in allowed:
        return
    assert 400 <= answer.status < 500, (answer.status, answer.body[:500])
    assert answer.headers["content-type"] == "application/json", answer.headers
    request_id = answer.headers["x-request-id"]
    assert request_id
    assert door.is_refusal(answer.json(), request_id), answer.body[:500]
