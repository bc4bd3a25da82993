"""Many wrong keys from one address: refused before they cost anything, and a trouble to nobody else."""

import time
from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
from django.conf import settings
from django.test import override_settings

from api.access.floods import held_off
from api.access.key_checks import remembered
from tenants.models import Tenant
from tests.api.limits_cast import empty_windows
from tests.api.v2_cast import V2, caller

LIMIT = 5


@pytest.fixture(autouse=True)
def _as_if_nobody_had_called() -> Iterator[None]:
    with empty_windows(), override_settings(API_LIMIT_WRONG_KEYS=LIMIT):
        _forget()
        yield
        _forget()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys that bcrypt has compared."""
    seen: list[bytes] = []
    compare = bcrypt.checkpw

    def count(password: bytes, hashed: bytes) -> bool:
        seen.append(password)
        return compare(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    return seen


def _forget() -> None:
    remembered.forget()
    held_off.forget()


def tries(tenant: Tenant, times: int, address: str = "192.0.2.1", **headers: str) -> list[int]:
    """Statuses of calls with as many wrong keys."""
    return [call(V2(tenant, f"ls_{n:012}_wrong"), address, **headers).status_code for n in range(times)]


def call(client: V2, address: str = "192.0.2.1", **headers: str) -> Any:
    client.client.defaults["REMOTE_ADDR"] = address
    return client.get(f"tags/{client.tenant.pk}", **headers)


def test_after_too_many_wrong_keys_the_next_is_refused_without_being_compared(
    acme: Tenant, compared: list[bytes]
) -> None:
    assert tries(acme, LIMIT) == [401] * LIMIT
    assert len(compared) == LIMIT
    assert tries(acme, 3) == [429] * 3
    assert len(compared) == LIMIT
    answer = call(V2(acme, "nonsense"))
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == (str(LIMIT), "0")
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("quota_exceeded", None)
    assert error["message"] == "Too many wrong keys came from your address: the limit is 5 in a minute."
    assert error["request_id"] == answer.headers["X-Request-ID"]


def test_right_keys_are_never_counted(acme: Tenant) -> None:
    for _ in range(LIMIT + 3):
        assert call(caller(acme)).status_code == 200
    assert tries(acme, LIMIT) == [401] * LIMIT


def test_a_known_key_goes_on_from_an_address_that_has_to_wait_and_another_one_waits(acme: Tenant) -> None:
    known, other = caller(acme), caller(acme)
    assert call(known).status_code == 200
    tries(acme, LIMIT)
    assert (call(known).status_code, call(other).status_code) == (200, 429)


def test_nobody_waits_for_the_failures_of_another_address(acme: Tenant, compared: list[bytes]) -> None:
    assert tries(acme, LIMIT + 1)[-1] == 429
    assert call(caller(acme), "192.0.2.2").status_code == 200
    assert tries(acme, 1, "192.0.2.2") == [401]


def test_behind_our_proxy_the_address_is_that_of_the_client(acme: Tenant) -> None:
    with override_settings(BEHIND_PROXY=True):
        assert tries(acme, LIMIT + 1, "10.0.0.1", x_forwarded_for="203.0.113.1")[-1] == 429
        assert tries(acme, 1, "10.0.0.1", x_forwarded_for="203.0.113.2") == [401]
    # Without one of ours, whoever writes the header changes nothing by it.
    assert tries(acme, LIMIT, "10.0.0.2", x_forwarded_for="203.0.113.3") == [401] * LIMIT
    assert tries(acme, 1, "10.0.0.2", x_forwarded_for="203.0.113.4") == [429]


def test_the_addresses_of_one_ipv6_network_count_together(acme: Tenant) -> None:
    statuses = [tries(acme, 1, f"2001:db8:1:1::{n}")[0] for n in range(LIMIT + 1)]
    assert statuses == [401] * LIMIT + [429]
    assert tries(acme, 1, "2001:db8:1:2::1") == [401]


def test_failures_in_other_processes_count_too(acme: Tenant, compared: list[bytes]) -> None:
    tries(acme, LIMIT)
    # A process that has not heard of it: it finds out by the one key that it still compares.
    _forget()
    assert tries(acme, 3) == [429] * 3
    assert len(compared) == LIMIT + 1


def test_after_the_wait_keys_are_compared_again(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tries(acme, LIMIT)
    assert call(caller(acme)).status_code == 429
    # As a minute later: no failure is in the window any more.
    with empty_windows(), monkeypatch.context() as later:
        later.setattr(held_off, "clock", lambda: time.monotonic() + 61)
        assert call(caller(acme)).status_code == 200
        assert tries(acme, 1) == [401]


def test_a_revoked_key_that_goes_on_calling_has_to_wait_too(acme: Tenant, compared: list[bytes]) -> None:
    client = caller(acme, scopes=["admin", "read"])
    key = client.get(f"keys/{acme.pk}").json()["items"][0]["id"]
    assert client.delete(f"keys/{acme.pk}/{key}").status_code == 204
    assert [call(client).status_code for _ in range(LIMIT + 2)] == [401] * LIMIT + [429] * 2


@override_settings(API_LIMIT_WRONG_KEYS=0)
def test_without_a_limit_nothing_is_counted(acme: Tenant) -> None:
    assert tries(acme, 8) == [401] * 8


def test_while_redis_is_away_failures_are_counted_in_the_database(acme: Tenant) -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        assert settings.REDIS_URL.endswith(":1/0")
        statuses = tries(acme, LIMIT + 1)
    assert statuses == [401] * LIMIT + [429]
