"""Nobody gets more rights than they have: not by what is left out, not by a replay, not by a race."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from api.access.key_checks import remembered
from tenants.models import ApiKey, Tenant
from tests.api.v2_cast import V2, caller


def test_a_key_that_may_only_make_keys_hands_out_nothing_else(acme: Tenant) -> None:
    api = caller(acme, scopes=["admin"])
    answer = api.post("keys", {"name": "more"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (403, "scopes")
    assert not ApiKey.objects.filter(name="more").exists()


def test_a_token_with_fewer_rights_is_not_given_the_answer_of_its_key(acme: Tenant) -> None:
    key = caller(acme, is_admin=True)
    body = {"name": "root", "is_admin": True, "scopes": ["read"]}
    assert key.post("keys", body, idempotency_key="k").status_code == 201
    token = key.post("tokens", {"tenant_id": acme.pk, "scopes": ["admin"]}).json()["token"]
    answer = V2(acme, "").post("keys", body, idempotency_key="k", authorization=f"Bearer {token}")
    assert answer.status_code in (403, 409)
    assert "key" not in answer.json()


@pytest.fixture
def tenant(live_tenant: Tenant) -> Iterator[Tenant]:
    try:
        yield live_tenant
    finally:
        connection.set_tenant(live_tenant)
        ApiKey.objects.filter(tenant=live_tenant).delete()
        remembered.forget()


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "once"}], ids=["plainly", "with one Idempotency-Key"])
def test_a_key_is_replaced_once_however_many_ask_at_once(tenant: Tenant, headers: dict[str, str]) -> None:
    api = caller(tenant, scopes=["admin"])
    old = ApiKey.objects.create(tenant=tenant, name="old", prefix="0" * 12, hash="x", scopes=["admin"])
    together = threading.Barrier(50)

    def rotate() -> Any:
        try:
            connection.set_tenant(tenant)
            client = V2(tenant, api.key)
            together.wait()
            answer = client.post(f"keys/{tenant.pk}/{old.pk}/rotate", **headers)
            return answer.status_code, answer.json().get("key")
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        answers = [one.result() for one in [threads.submit(rotate) for _ in range(50)]]
    made = [key for status, key in answers if status == 201]
    assert {status for status, _ in answers} <= {201, 409}
    assert len(set(made)) == 1
    assert ApiKey.objects.filter(name="old").count() == 2
