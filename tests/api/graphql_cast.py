"""Callers of /graphql in tests: through Django's whole stack, with a key."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client

from tenants.models import Tenant
from tests.api.v2_cast import V2, caller


@dataclass
class Asking:
    """A client with a key. Every call leaves the connection inside the tenant it was in before."""

    api: V2

    @property
    def key(self) -> str:
        return self.api.key

    def post(self, body: Any, **headers: str) -> Any:
        """Header names with underscores for hyphens; `body` is sent as it is where it is text."""
        inside = connection.tenant  # type: ignore[attr-defined]
        named = {"host": "localhost", "x-api-key": self.api.key}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(raise_request_exception=False)
        try:
            return client.post(
                "/graphql",
                body if isinstance(body, str) else json.dumps(body),
                content_type="application/json",
                headers={name: value for name, value in named.items() if value},
            )
        finally:
            connection.set_tenant(inside)  # type: ignore[attr-defined]

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer of a call that went through."""
        answer = self.post({"query": query, "variables": variables})
        assert answer.status_code == 200, answer.content
        told: dict[str, Any] = answer.json()
        return told

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """What was found, without an error."""
        told = self.ask(query, **variables)
        assert "errors" not in told, told
        found: dict[str, Any] = told["data"]
        return found

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The one error that is told."""
        (error,) = self.ask(query, **variables)["errors"]
        told: dict[str, Any] = error
        return told


def asking(tenant: Tenant, *, scopes: list[str] | None = None, is_admin: bool = False) -> Asking:
    """With a new key of this tenant, which may read unless it is said."""
    return Asking(caller(tenant, scopes=["read"] if scopes is None else scopes, is_admin=is_admin))


def nodes(page: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in page["edges"]]
