"""While the database is away every dialect says so in its words, and when to come again; nothing of it is a fault of ours."""

import json
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from tenants.models import Tenant
from tenants.scope import hosts
from tenants.services.keys import create_api_key

SEND = {
    "to": "ann@there.example",
    "subject": "Hi",
    "body": "Hello",
    "text": "Hello",
    "text_body": "Hello",
    "html": "<p>Hello",
}
CALLS = {
    "aegis": ("POST", "/send"),
    "gateway": ("POST", "/api/v1/send"),
    "relay": ("GET", "/api/messages"),
    "relay, in its newer place": ("GET", "/v1/messages"),
    "hosting": ("GET", "/api/v1/emails"),
    "v2": ("GET", "/api/v2/contacts/{tenant}"),
    "v2, with a key for once": ("POST", "/api/v2/tags"),
    "graphql": ("POST", "/graphql"),
}


@pytest.fixture
def key(live_tenant: Tenant) -> str:
    _, key = create_api_key(tenant=live_tenant, name="shop", is_admin=False)
    return key


def _cut_off() -> None:
    """As if the database had been restarted: whatever is asked next on this connection fails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if parameters.get(name)}
    with psycopg.connect(**known, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def _call(name: str, tenant: Tenant, key: str) -> Any:
    method, path = CALLS[name]
    headers = {"x-api-key": key, "host": "localhost"}
    if "once" in name:
        headers["idempotency-key"] = "once"
    body = {"query": "{ contacts { edges { node { id } } } }"} if name == "graphql" else SEND | {"name": "News"}
    path = path.format(tenant=tenant.pk)
    if method == "GET":
        return Client().get(path, headers=headers)
    return Client().generic(method, path, json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.parametrize("host_is_known", [True, False], ids=["in the view", "before it"])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_while_the_database_is_away_is_503_and_says_when_to_come_again(
    live_tenant: Tenant, key: str, name: str, host_is_known: bool
) -> None:
    _call(name, live_tenant, key)
    if not host_is_known:
        hosts.forget()
    _cut_off()
    try:
        answer = _call(name, live_tenant, key)
    finally:
        connection.close()
    assert answer.status_code == 503, answer.content
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/json"
    assert "database" in answer.content.decode()
    assert "terminat" not in answer.content.decode()
    assert "database" not in _call(name, live_tenant, key).content.decode()
