"""Windows of calls: exact, all or nothing, and never open."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection

from api.limits import Limits, TooManyCalls, Window
from api.limits.counted import CountedWindows
from api.limits.sliding import SlidingWindows, limits_client
from api.limits.windows import Store
from embedded.valkey import Valkey
from tenants.models import CallCount, Tenant
from tests.api.limits_cast import at_once, empty_windows, pass_time
from tests.servers import ROOT

NOWHERE = "redis://127.0.0.1:1/0"
MINUTE = Window("a", 3, 60)


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with empty_windows() as client:
        yield client


@pytest.fixture(params=["redis", "postgresql"])
def store(request: pytest.FixtureRequest, client: redis.Redis, live_tenant: Tenant) -> Iterator[Store]:
    CallCount.objects.all().delete()
    yield SlidingWindows(client) if request.param == "redis" else CountedWindows()
    CallCount.objects.all().delete()


def test_of_two_hundred_calls_at_once_as_many_pass_as_the_limit_says(store: Store) -> None:
    windows = [Window("one key", 37, 3600), Window("all", 1000, 3600)]
    verdicts = at_once(200, lambda: store.count(windows, 1))
    assert sum(verdict.allowed for verdict in verdicts) == 37
    assert max(verdict.standings[0].used for verdict in verdicts if verdict.allowed) == 37


def test_callers_of_one_tenant_share_its_window_and_never_wait_for_each_other(store: Store) -> None:
    keys = iter(range(200))
    verdicts = at_once(200, lambda: store.count([Window(f"key:{next(keys) % 7}", 9, 3600), Window("a", 50, 3600)], 1))
    assert sum(verdict.allowed for verdict in verdicts) == 50


def test_a_call_that_one_window_refuses_is_counted_in_none(store: Store) -> None:
    narrow, wide = Window("narrow", 1, 3600), Window("wide", 10, 3600)
    assert store.count([narrow, wide], 1).allowed
    for _ in range(3):
        refused = store.count([narrow, wide], 1)
        assert not refused.allowed
        assert [standing.remaining for standing in refused.standings] == [0, 9]
    assert [standing.used for standing in store.count([wide], 1).standings] == [2]


def test_several_are_counted_together_or_not_at_all(store: Store) -> None:
    window = Window("sends", 10, 3600)
    assert store.count([window], 7).allowed
    assert not store.count([window], 4).allowed
    assert store.count([window], 3).standings[0].remaining == 0
    assert not store.count([Window("other", 10, 3600)], 11).allowed


def test_a_window_slides_call_by_call(client: redis.Redis) -> None:
    store = SlidingWindows(client)
    for _ in range(3):
        assert store.count([MINUTE], 1).allowed
        pass_time(client, MINUTE, 15)
    # Three calls, 45, 30 and 15 seconds ago: the first leaves in 15 seconds.
    refused = store.count([MINUTE], 1)
    assert not refused.allowed
    assert 10 < refused.standings[0].blocked_until - refused.now <= 15
    pass_time(client, MINUTE, 15)
    assert store.count([MINUTE], 1).allowed
    assert not store.count([MINUTE], 1).allowed


def test_a_window_agrees_with_a_list_of_everything_that_was_counted(client: redis.Redis) -> None:
    dice, store, window = random.Random(7), SlidingWindows(client), Window("oracle", 20, 600)
    now, counted = 0.0, list[tuple[float, int]]()
    for _ in range(400):
        step = dice.choice([0, 0, 10, 70, 130, 610])
        pass_time(client, window, step)
        now += step
        amount = dice.randint(1, 9)
        inside = [(at, size) for at, size in counted if now - at < 600]
        fits = sum(size for _, size in inside) + amount <= 20
        verdict = store.count([window], amount)
        assert verdict.allowed is fits
        if fits:
            counted.append((now, amount))
            continue
        wait, left = verdict.standings[0].blocked_until - verdict.now, sum(size for _, size in inside)
        expected = next(at + 600 - now for at, size in inside if (left := left - size) + amount <= 20)
        # The calls of this test take a moment themselves; steps are ten seconds.
        assert expected - 10 < wait <= expected


def test_the_clock_may_be_put_back_without_a_call_being_forgotten(client: redis.Redis) -> None:
    store = SlidingWindows(client)
    store.count([MINUTE], 2)
    pass_time(client, MINUTE, -3600)
    assert store.count([MINUTE], 1).allowed
    assert not store.count([MINUTE], 1).allowed


def test_a_window_in_redis_ends_by_itself(client: redis.Redis) -> None:
    SlidingWindows(client).count([MINUTE], 1)
    assert 60_000 < client.pttl("limit:60:a") <= 61_000


def test_a_window_in_the_database_begins_anew_when_its_time_is_over(live_tenant: Tenant) -> None:
    store, window = CountedWindows(), Window("a", 1, 3600)
    CallCount.objects.all().delete()
    assert store.count([window], 1).allowed
    assert not store.count([window], 1).allowed
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_callcount SET starts_at = starts_at - interval '1 hour', ends_at = starts_at"
        )
    assert store.count([window], 1).allowed
    assert CallCount.objects.get().used == 1
    CallCount.objects.all().delete()


def test_the_table_of_counts_costs_no_write_ahead_log(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE oid = 'public.tenants_callcount'::regclass")
        assert cursor.fetchone() == ("u",)


def test_with_redis_stopped_calls_are_counted_in_the_database_and_never_one_too_many(
    tmp_path: Path, live_tenant: Tenant
) -> None:
    CallCount.objects.all().delete()
    window = Window("k", 25, 86_400)
    with Valkey(tmp_path, fast_and_unsafe=True) as server:
        limits = Limits(SlidingWindows(limits_client(server.url())), CountedWindows())
        assert limits.take([window]) is not None
        assert not CallCount.objects.exists()
    answers = at_once(200, lambda: limits.take([window]))
    assert sum(not isinstance(answer, Exception) for answer in answers) == 25
    assert all(isinstance(answer, TooManyCalls) for answer in answers if isinstance(answer, Exception))
    assert CallCount.objects.get().used == 25
    CallCount.objects.all().delete()


def test_what_an_earlier_absence_left_is_removed_at_the_next(live_tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.tenants_callcount VALUES ('old', now() - interval '1 day', now() - interval '2 hours', 5, 5)"
        )
    Limits(SlidingWindows(limits_client(NOWHERE)), CountedWindows()).take([MINUTE])
    assert set(CallCount.objects.values_list("name", flat=True)) == {"60:a"}
    CallCount.objects.all().delete()


def test_windows_without_a_limit_are_not_counted() -> None:
    limits = Limits(SlidingWindows(limits_client(NOWHERE)), CountedWindows())
    assert limits.take([Window("a", 0, 60)]) is None


_BOTH_AWAY = """
import django; django.setup()
from api.limits import Window, take
from common.errors import Unavailable
try:
    take([Window("a", 5, 60)])
except Unavailable as error:
    print(error.message)
"""


def test_with_nowhere_to_count_nothing_passes() -> None:
    environ = {
        **os.environ,
        "REDIS_URL": NOWHERE,
        "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
    }
    done = subprocess.run([sys.executable, "-c", _BOTH_AWAY], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Your calls cannot be counted just now.\n", done.stderr
