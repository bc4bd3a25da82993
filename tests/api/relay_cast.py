"""Callers of the relay's API in tests, and what must be there for a tenant to send."""

import json
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
MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Relay:
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
            return self.client.generic(method, path if path.startswith("/") else f"/api/{path}", **options)
        finally:
            connection.set_tenant(inside)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def send(self, **fields: Any) -> Any:
        """POST a message; what is given replaces or adds to the plainest one, `...` takes a field away."""
        return self.post("messages", letter(**fields))

    def sent(self, **fields: Any) -> str:
        """The same; the message's id."""
        answer = self.send(**fields)
        assert answer.status_code == 202, answer.content
        return str(answer.json()["data"]["message_id"])


def letter(**fields: Any) -> dict[str, Any]:
    plain = {"from": SENDER, "to": ["ana@example.com"], "subject": "Hello", "text_body": "Hello Ana"}
    given = {**plain, **{name.rstrip("_"): value for name, value in fields.items()}}
    return {name: value for name, value in given.items() if value is not ...}


def relay(tenant: Tenant, *, scopes: list[str] | None = None, **rights: Any) -> Relay:
    """A new key of this tenant and a client that uses it."""
    _, key = create_api_key(tenant=tenant, name="test", scopes=scopes, **rights)
    return Relay(tenant, key)


def furnish() -> None:
    """The entered tenant can send, as acme.example."""
    create_sending_domain(name="acme.example")
    create_provider(name="gmail", host="127.0.0.1", port=1, tls="none")


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def told(response: Any) -> dict[str, Any]:
    """The data of an answer that is none of an error."""
    assert response.status_code == 200, response.content
    assert response.json()["success"] is True
    data: dict[str, Any] = response.json()["data"]
    return data


def refusal(answer: Any) -> tuple[int, str, str | None]:
    """Status, code and field of an error, whose envelope is checked on the way."""
    body = answer.json()
    assert set(body) == {"success", "error"}, body
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details", "request_id", "timestamp"}
    assert body["error"]["request_id"] == answer.headers["X-Request-ID"]
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"], body["error"]["details"].get("field")


def number(public: str) -> int:
    return read_public_id(public).message_id


def stored(public: str, columns: str) -> tuple[Any, ...]:
    (row,) = rows(f"SELECT {columns} FROM outbound_submission WHERE message_id = %s", number(public))
    return row


def mark(public: str, **columns: Any) -> None:
    """As the senders leave it."""
    settings = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE outbound_submission SET {settings} WHERE message_id = %s", [*columns.values(), number(public)]
        )
