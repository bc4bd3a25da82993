"""Callers of API v2 in tests: through Django's whole stack, with a key."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from tenants.models import Tenant
from tenants.services.keys import create_api_key


@dataclass
class V2:
    """A client with a key. Every call leaves the connection inside the tenant it was in before."""

    tenant: Tenant
    key: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Header names with underscores for hyphens; the answer has `.status_code`, `.json()`, `.headers`."""
        inside = connection.tenant
        named = {"host": "localhost", "x-api-key": self.key}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {"headers": {name: value for name, value in named.items() if value}}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        try:
            return self.client.generic(method, f"/api/v2/{path}", **options)
        finally:
            connection.set_tenant(inside)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)


def caller(tenant: Tenant, *, scopes: list[str] | None = None, is_admin: bool = False) -> V2:
    """A new key of this tenant and a client that uses it."""
    _, key = create_api_key(tenant=tenant, name="test", scopes=scopes, is_admin=is_admin)
    return V2(tenant, key)
