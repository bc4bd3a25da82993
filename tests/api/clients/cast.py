"""Who sends one by one in tests: a tenant that is ready to, and a program with its key."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from deliverability.models import SendingDomain
from outbound.models import ProviderAccount
from outbound.submission.ids import read_public_id
from tenants.models import Tenant
from tenants.services.keys import create_api_key


@dataclass
class Program:
    """Every call leaves the connection inside the tenant it was in before."""

    tenant: Tenant
    key: str
    path: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`body`: bytes as they are, anything else as JSON. Header names with underscores for hyphens; "" takes one away."""
        inside = connection.tenant  # type: ignore[attr-defined]
        named = {"host": "localhost", "x-api-key": self.key, "content-type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = named.pop("content-type")
        options: dict[str, Any] = {"headers": {name: value for name, value in named.items() if value}}
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            options |= {"data": raw, "content_type": kind}
        try:
            return self.client.generic(method, path, **options)
        finally:
            connection.set_tenant(inside)  # type: ignore[attr-defined]

    def send(self, body: Any, **headers: str) -> Any:
        return self.call("POST", self.path, body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)


def program(tenant: Tenant, path: str, **options: Any) -> Program:
    """One with a key of this tenant; `options` are those of `create_api_key`."""
    _, key = create_api_key(tenant=tenant, name="program", **options)
    return Program(tenant, key, path)


def make_ready() -> None:
    """Give the entered tenant a sender and somebody who takes its mail. Nothing is signed, so no keys are made."""
    SendingDomain.objects.create(name="shop.example")
    ProviderAccount.objects.create(name="relay", host="127.0.0.1", port=1, tls="none")


def stored(message_id: str) -> dict[str, Any]:
    """The row of a message of the entered tenant, by its public id, and its recipients as (kind, email, name)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM outbound_submission WHERE message_id = %s", [number_of(message_id)])
        (row,) = cursor.fetchall()
        found = dict(zip([column.name for column in cursor.description], row, strict=True))
    for name in ("recipients", "headers", "reply_to", "metadata"):
        if isinstance(found[name], str):
            found[name] = json.loads(found[name])
    found["people"] = [(one["kind"], one["email"], one["name"]) for one in found["recipients"]]
    return found


def count(table: str) -> int:
    """Rows of a table of the entered tenant."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def number_of(message_id: str) -> int:
    return read_public_id(message_id).message_id
