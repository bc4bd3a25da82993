"""Limits as callers meet them, over HTTP."""

import time
from collections.abc import Iterator

import pytest
from django.test import override_settings

from tenants.models import CallCount, Tenant
from tests.api.limits_cast import empty_windows
from tests.api.v2_cast import caller

ONLY = {"API_LIMIT_PER_KEY": 0, "API_LIMIT_PER_USER": 0, "API_LIMIT_PER_TENANT": 0, "API_LIMIT_GLOBAL": 0}


@pytest.fixture(autouse=True)
def _as_if_nobody_had_called() -> Iterator[None]:
    with empty_windows(), override_settings(PUBLIC_SCHEMA_URLCONF="tests.api.limits_cast"):
        yield


@override_settings(**{**ONLY, "API_LIMIT_PER_KEY": 3})
def test_every_answer_says_what_is_left_and_the_one_too_many_says_when_to_come_back(acme: Tenant) -> None:
    client = caller(acme)
    for left in (2, 1, 0):
        answer = client.get("probe")
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Limit"] == "3"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 61
    refused = client.get("probe")
    assert refused.status_code == 429
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert 0 < int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 61
    error = refused.json()["error"]
    assert error["code"] == "quota_exceeded"
    assert error["message"] == "Too many calls: the limit is 3 in a minute."
    assert error["request_id"] == refused.headers["X-Request-ID"]


@override_settings(**{**ONLY, "API_LIMIT_PER_KEY": 1})
def test_each_key_has_its_own_limit(acme: Tenant) -> None:
    first, second = caller(acme), caller(acme)
    assert [client.get("probe").status_code for client in (first, first, second)] == [200, 429, 200]


@override_settings(**{**ONLY, "API_LIMIT_PER_TENANT": 2})
def test_keys_of_one_tenant_share_its_limit_and_another_tenant_has_its_own(acme: Tenant, globex: Tenant) -> None:
    clients = [caller(acme), caller(acme), caller(acme), caller(globex)]
    assert [client.get("probe").status_code for client in clients] == [200, 200, 429, 200]


@override_settings(**{**ONLY, "API_LIMIT_GLOBAL": 2})
def test_all_tenants_share_the_limit_of_the_installation(acme: Tenant, globex: Tenant) -> None:
    assert [caller(tenant).get("probe").status_code for tenant in (acme, globex, acme)] == [200, 200, 429]


@override_settings(**{**ONLY, "API_LIMIT_PER_KEY": 5, "API_LIMIT_PER_TENANT": 2})
def test_the_headers_tell_of_the_limit_that_is_nearest(acme: Tenant) -> None:
    answer = caller(acme).get("probe")
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("2", "1")


@override_settings(**ONLY)
def test_without_limits_nothing_is_said_about_them(acme: Tenant) -> None:
    answer = caller(acme).get("probe")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


@override_settings(**{**ONLY, "API_LIMIT_PER_KEY": 1}, REDIS_URL="redis://127.0.0.1:1/7")
def test_the_limit_holds_while_redis_is_away(acme: Tenant) -> None:
    client = caller(acme)
    assert [client.get("probe").status_code for _ in range(3)] == [200, 429, 429]
    assert CallCount.objects.get().used == 1
