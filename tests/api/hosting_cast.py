"""Callers of the hosting service's API in tests, and what must be there for a tenant to send."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from deliverability.services.domains import create_sending_domain
from outbound.services.providers import create_provider
from outbound.submission.ids import read_public_id
from tenants.models import Tenant
from tenants.services.keys import create_api_key

SENDER = "shop@acme.example"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass
class Hosting:
    """A client with a key. Every call leaves the connection inside the tenant it was in before."""

    tenant: Tenant
    key: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`body`: JSON to be, or bytes as they are. Header names with underscores for hyphens."""
        inside = connection.tenant
        named = {"host": "localhost", "x-api-key": self.key}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = named.pop("content-type", "application/json")
        options: dict[str, Any] = {"headers": {name: value for name, value in named.items() if value}}
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body)
            options |= {"data": data, "content_type": kind}
        try:
            return self.client.generic(method, f"/api/v1/{path}", **options)
        finally:
            connection.set_tenant(inside)

    def send(self, **fields: Any) -> Any:
        """POST an e-mail; what is given replaces or adds to the plainest one."""
        return self.call("POST", "emails", letter(**fields))

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)


def letter(**fields: Any) -> dict[str, Any]:
    plain = {"from": SENDER, "to": ["ana@example.com"], "subject": "Hello", "text": "Hello Ana"}
    given = {**plain, **{name.rstrip("_"): value for name, value in fields.items()}}
    return {name: value for name, value in given.items() if value is not ...}


def hosting(tenant: Tenant, *, scopes: list[str] | None = None, **rights: Any) -> Hosting:
    """A new key of this tenant and a client that uses it."""
    _, key = create_api_key(tenant=tenant, name="test", scopes=scopes, **rights)
    return Hosting(tenant, key)


def furnish() -> None:
    """The entered tenant can send, as acme.example."""
    create_sending_domain(name="acme.example")
    create_provider(name="relay", host="127.0.0.1", port=1, tls="none")


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def stored(email_id: str) -> dict[str, Any]:
    """The row of a submission."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM outbound_submission WHERE message_id = %s", [read_public_id(email_id).message_id])
        (found,) = cursor.fetchall()
        return dict(zip([column.name for column in cursor.description], found, strict=True))


def refused(answer: Any) -> tuple[int, str, str | None]:
    """Status, code and field of an error in the dialect's shape."""
    body = answer.json()
    assert list(body) == ["success", "error", "requestId"]
    assert body["success"] is False
    assert body["requestId"] == answer.headers["X-Request-ID"]
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "field", "details"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"], body["error"].get("field")
