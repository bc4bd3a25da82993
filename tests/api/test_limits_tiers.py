"""A6, R30 and H26: the limits that each dialect's reference names, and taking from an event loop."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from api.access import Caller
from api.limits import (
    TooManyCalls,
    Window,
    aegis_windows,
    close_limits,
    hosting_windows,
    relay_windows,
    take,
    take_async,
)
from api.limits.counted import CountedWindows
from api.limits.sliding import AsyncSlidingWindows, SlidingWindows, async_limits_client
from api.limits.taking_async import AsyncLimits
from common.errors import Unavailable
from embedded.valkey import Valkey
from tenants.models import ApiKey, CallCount, Plan, Tenant
from tests.api.limits_cast import at_once, empty_windows, pass_time
from tests.api.live import listening
from tests.api.relay_cast import relay

NAMES = (
    "API_LIMIT_PER_KEY", "API_LIMIT_PER_USER", "API_LIMIT_PER_TENANT", "API_LIMIT_GLOBAL", "API_LIMIT_AEGIS",
    "API_LIMIT_RELAY_TIERS", "API_LIMIT_RELAY_SEND", "API_LIMIT_RELAY_LIST", "API_LIMIT_RELAY_REALTIME", "API_LIMIT_RELAY_ADMIN",
    "RATE_LIMIT_MAX",
)  # fmt: skip
NONE = dict.fromkeys(NAMES, 0)
OF_THE_REFERENCE = {
    **NONE,
    "API_LIMIT_AEGIS": 100,
    "API_LIMIT_RELAY_TIERS": 1,
    "API_LIMIT_RELAY_SEND": 100,
    "API_LIMIT_RELAY_LIST": 1_000,
    "API_LIMIT_RELAY_REALTIME": 10,
    "API_LIMIT_RELAY_ADMIN": 10,
    "RATE_LIMIT_MAX": 100,
    "RATE_LIMIT_WINDOW": 900_000,
}
NOWHERE = "redis://127.0.0.1:1/7"


@pytest.fixture(autouse=True)
def _as_if_nobody_had_called() -> Iterator[None]:
    with empty_windows():
        yield


def somebody(tenant: Tenant, key_id: int = 7) -> Caller:
    return Caller(tenant=tenant, name="k", scopes=frozenset(), key_id=key_id)


def limited(windows: list[Window]) -> set[tuple[int, int]]:
    """(limit, seconds) of those that are counted."""
    return {(window.limit, window.seconds) for window in windows if window.limit}


@override_settings(**OF_THE_REFERENCE)
def test_a06_a_key_has_a_hundred_calls_an_hour_for_each_endpoint(acme: Tenant) -> None:
    send = aegis_windows(somebody(acme), acme, endpoint="POST /send")
    assert limited(send) == {(100, 3600)}
    other_key = aegis_windows(somebody(acme, 8), acme, endpoint="POST /send")
    other_path = aegis_windows(somebody(acme), acme, endpoint="POST /other")
    for left in range(99, -1, -1):
        told = take(send)
        assert told is not None
        assert (told.limit, told.remaining) == (100, left)
    with pytest.raises(TooManyCalls) as refused:
        take(send)
    assert 3590 < refused.value.retry_after <= 3600
    assert refused.value.headers["X-RateLimit-Remaining"] == "0"
    assert take(other_key) is not None
    assert take(other_path) is not None


@override_settings(**OF_THE_REFERENCE)
def test_a06_the_window_slides_and_is_exact_under_two_hundred_calls_at_once(live_tenant: Tenant) -> None:
    windows = aegis_windows(somebody(live_tenant), live_tenant, endpoint="POST /send")
    answers = at_once(200, lambda: take(windows))
    assert sum(not isinstance(answer, Exception) for answer in answers) == 100
    with empty_windows() as client:
        for _ in range(100):
            take(windows)
            pass_time(client, windows[0], 20)
        # The first left the window after 3,600 of the 2,000 seconds that have passed: not yet.
        with pytest.raises(TooManyCalls):
            take(windows)
        pass_time(client, windows[0], 1_600)
        assert take(windows) is not None


@override_settings(**OF_THE_REFERENCE)
@pytest.mark.parametrize("root", ["/api", "/v1", "/api/v1"])
@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/messages", 100),
        ("POST", "/messages/", 100),
        ("GET", "/messages", 1_000),
        ("HEAD", "/messages", 1_000),
        ("GET", "/stats/realtime", 10),
        ("POST", "/admin/maintenance/mode", 10),
        ("POST", "/admin/providers/1/health-check", 10),
        ("GET", "/admin/config", None),
        ("GET", "/messages/msg-1", None),
        ("DELETE", "/messages", None),
        ("GET", "/stats", None),
    ],
)
def test_r30_endpoints_have_limits_by_the_minute(
    acme: Tenant, root: str, method: str, path: str, limit: int | None
) -> None:
    acme.plan = None
    windows = relay_windows(somebody(acme), acme, method=method, path=root + path)
    assert limited(windows) == ({(limit, 60)} if limit else set())


@override_settings(**OF_THE_REFERENCE)
@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        ("free", {(100, 3600), (1_000, 86_400), (10, 1)}),
        ("basic", {(1_000, 3600), (10_000, 86_400), (50, 1)}),
        ("pro", {(10_000, 3600), (100_000, 86_400), (100, 1)}),
    ],
)
def test_r30_a_tier_has_an_hour_a_day_and_a_burst(acme: Tenant, plan: str, limits: set[tuple[int, int]]) -> None:
    acme.plan = Plan.objects.get(slug=plan)
    assert limited(relay_windows(somebody(acme), acme, method="GET", path="/api/rate-limit")) == limits


@override_settings(**{**OF_THE_REFERENCE, "API_LIMIT_RELAY_ADMIN": 2})
def test_r30_over_http_every_answer_says_what_is_left(acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(plan=Plan.objects.get(slug="free"))
    operator = relay(acme, is_admin=True)
    off = {"enabled": False}
    for left in ("1", "0"):
        answer = operator.post("admin/maintenance/mode", off)
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Limit"] == "2"
        assert answer.headers["X-RateLimit-Remaining"] == left
        assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 61
        assert 0 < int(answer.headers["X-RateLimit-Reset-After"]) <= 61
        assert answer.headers["X-RateLimit-Workspace"] == acme.workspace_id
    refused = operator.post("admin/maintenance/mode", off)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert refused.json()["error"]["details"]["limit"] == 2
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(refused.headers["X-RateLimit-Reset-After"]) <= 61
    assert refused.headers["X-RateLimit-Workspace"] == acme.workspace_id
    # What one endpoint refuses is not counted against the tier.
    assert operator.get("admin/config").headers["X-RateLimit-Limit"] == "10"


@override_settings(**{**NONE, "API_LIMIT_RELAY_TIERS": 1})
def test_r30_two_hundred_clients_at_once_get_as_much_as_their_tier_has(live_tenant: Tenant) -> None:
    plan = Plan.objects.create(slug="thirty", name="Thirty", hourly_limit=30, daily_limit=1_000, burst=500)
    before = live_tenant.plan
    Tenant.objects.filter(pk=live_tenant.pk).update(plan=plan)
    client = relay(live_tenant, scopes=["read"])
    # Checked and remembered, so that two hundred threads do not compare it at once.
    client.get("rate-limit")
    try:
        with listening() as port, empty_windows(), ThreadPoolExecutor(40) as threads:
            answers = list(threads.map(lambda _: _asked(port, client.key), range(200)))
        assert sorted(status for status, _ in answers).count(200) == 30
        assert {status for status, _ in answers} == {200, 429}
        left = [int(headers["X-RateLimit-Remaining"]) for status, headers in answers if status == 200]
        assert sorted(left) == list(range(30))
        assert all(int(headers["Retry-After"]) >= 1 for status, headers in answers if status == 429)
    finally:
        Tenant.objects.filter(pk=live_tenant.pk).update(plan=before)
        plan.delete()
        ApiKey.objects.filter(tenant=live_tenant).delete()


@override_settings(**OF_THE_REFERENCE)
def test_h26_a_key_and_an_address_have_a_hundred_calls_in_fifteen_minutes(acme: Tenant) -> None:
    first = hosting_windows(somebody(acme, 1), acme, address="192.0.2.1")
    assert limited(first) == {(100, 900)}
    second = hosting_windows(somebody(acme, 2), acme, address="192.0.2.1")
    elsewhere = hosting_windows(somebody(acme, 2), acme, address="192.0.2.2")
    for windows in (first, second):
        for _ in range(50):
            take(windows)
    with pytest.raises(TooManyCalls, match="the limit is 100 in 15 minutes"):
        take(second)
    assert take(elsewhere) is not None


@override_settings(**NONE)
def test_h26_the_limit_and_its_window_come_from_the_environment(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(RATE_LIMIT_MAX=3, RATE_LIMIT_WINDOW=1_500):
        windows = hosting_windows(somebody(acme), acme, address="192.0.2.1")
    assert limited(windows) == {(3, 2)}


def test_a_large_window_takes_little_room_and_never_lets_one_too_many_through(live_tenant: Tenant) -> None:
    window = Window("large", 6_000, 86_400)
    with empty_windows() as client:
        store = SlidingWindows(client)
        for _ in range(599):
            assert store.count([window], 10).allowed
        assert client.zcard("limit:86400:large") < 20
        assert sum(store.count([window], 1).allowed for _ in range(20)) == 10
        refused = store.count([window], 1)
        assert refused.standings[0].used == 6_000
        # A grain is 86.4 seconds: whoever waits is told the end of it, never less than the window.
        assert 86_300 < refused.standings[0].blocked_until - refused.now <= 86_400 + 86.4
        pass_time(client, window, 86_300)
        assert not store.count([window], 1).allowed
        pass_time(client, window, 100 + 86.4)
        assert store.count([window], 1).allowed


async def test_an_event_loop_counts_in_the_same_windows() -> None:
    with empty_windows() as client:
        store = AsyncSlidingWindows(async_limits_client(settings.REDIS_URL))
        window = Window("shared", 50, 3600)
        assert all(SlidingWindows(client).count([window], 1).allowed for _ in range(20))
        verdicts = await asyncio.gather(*(store.count([window], 1) for _ in range(200)))
        assert sum(verdict.allowed for verdict in verdicts) == 30
        with pytest.raises(TooManyCalls):
            await take_async([window])
        assert await take_async([Window("none", 0, 60)]) is None
        told = await take_async([Window("other", 5, 60)], amount=2)
        assert told is not None
        assert told.remaining == 3
        await store.close()
        await close_limits()


def test_in_an_event_loop_the_limit_holds_while_redis_is_away(live_tenant: Tenant, tmp_path: Path) -> None:
    CallCount.objects.all().delete()
    window = Window("k", 25, 86_400)

    async def calls() -> list[Any]:
        with Valkey(tmp_path, fast_and_unsafe=True) as server:
            limits = AsyncLimits(AsyncSlidingWindows(async_limits_client(server.url())), CountedWindows())
            assert await limits.take([window]) is not None
        try:
            return await asyncio.gather(*(limits.take([window]) for _ in range(200)), return_exceptions=True)
        finally:
            await limits.close()

    answers = asyncio.run(calls())
    assert sum(not isinstance(answer, Exception) for answer in answers) == 25
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {TooManyCalls}
    assert CallCount.objects.get().used == 25
    CallCount.objects.all().delete()


def test_in_an_event_loop_nothing_is_let_through_uncounted(live_tenant: Tenant) -> None:
    async def call() -> None:
        limits = AsyncLimits(AsyncSlidingWindows(async_limits_client(NOWHERE)), _Away())
        try:
            await limits.take([Window("k", 25, 60)])
        finally:
            await limits.close()

    with pytest.raises(Unavailable):
        asyncio.run(call())


class _Away(CountedWindows):
    """The windows of a database that nobody can reach: its real ones, on a connection that is closed for good."""

    def count(self, windows: Any, amount: int) -> Any:
        connection.close()
        before = dict(connection.settings_dict)
        connection.settings_dict = {**before, "HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {}}
        try:
            return super().count(windows, amount)
        finally:
            connection.settings_dict = before
            connection.close()


def _asked(port: int, key: str) -> tuple[int, dict[str, str]]:
    door = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        door.request("GET", "/api/rate-limit", headers={"Host": "localhost", "X-API-Key": key})
        answer = door.getresponse()
        json.loads(answer.read())
        return answer.status, dict(answer.headers)
    finally:
        door.close()
