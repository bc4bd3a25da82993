"""H26: how often the hosting service's API may be called."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.access import Caller
from api.limits.dialects import hosting_windows
from tenants.models import Tenant
from tests.api.hosting_cast import furnish, hosting
from tests.api.limits_cast import default_of, empty_windows


@pytest.fixture(autouse=True)
def _nothing_counted_yet(acme: Tenant) -> Iterator[None]:
    furnish()
    with empty_windows():
        yield


def test_h26_the_default_is_100_in_15_minutes(acme: Tenant, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = default_of("RATE_LIMIT_MAX")
    assert default_of("RATE_LIMIT_WINDOW") == 15 * 60 * 1000
    answer = hosting(acme).get("emails")
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == (
        200, "100", "99",
    )  # fmt: skip


def test_h26_a_key_has_so_many_calls_from_wherever_it_calls(acme: Tenant, settings: Any) -> None:
    settings.RATE_LIMIT_MAX, settings.BEHIND_PROXY = 2, True
    shop = hosting(acme)
    answers = [shop.send()] + [shop.get("emails", x_forwarded_for=f"192.0.2.{n}") for n in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200, 429]
    _is_a_429(answers[-1])


def test_h26_an_address_has_so_many_calls_with_whatever_key(acme: Tenant, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 2
    answers = [hosting(acme).get("emails") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    _is_a_429(answers[-1])


def _is_a_429(answer: Any) -> None:
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert body["requestId"] == answer.headers["X-Request-ID"]
    wait = int(answer.headers["Retry-After"])
    assert 0 < wait <= 900
    assert body["error"]["details"]["retryAfter"] == wait
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("2", "0")
    assert int(answer.headers["X-RateLimit-Reset"]) > 1_700_000_000


def test_h26_the_window_is_that_of_the_setting(acme: Tenant, settings: Any) -> None:
    settings.RATE_LIMIT_MAX, settings.RATE_LIMIT_WINDOW = 7, 60_000
    windows = hosting_windows(_caller(acme), acme, address="192.0.2.1")
    assert [(one.limit, one.seconds) for one in windows if one.name.startswith("hosting:")] == [(7, 60)] * 2


def _caller(tenant: Tenant) -> Caller:
    return Caller(tenant, "test", frozenset({"read"}), key_id=1)
