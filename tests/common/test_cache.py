"""The cache, against a Redis of its own and against none."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from django.conf import settings

from common.cache import (
    CACHE_TTL_1_DAY,
    CACHE_TTL_1_HOUR,
    CACHE_TTL_1_MINUTE,
    CACHE_TTL_5_MINUTES,
    CACHE_TTL_15_MINUTES,
    Cache,
    build_campaign_key,
    build_contact_key,
    build_stats_key,
    build_template_key,
    build_tenant_key,
    get_cache,
)
from embedded.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("cache"), fast_and_unsafe=True) as server:
        yield server


@pytest.fixture
def client(server: Valkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url()) as client:
        client.flushall()
        yield client


@pytest.fixture
def cache(client: redis.Redis) -> Cache:
    return Cache(client)


@pytest.fixture
def away() -> Cache:
    return Cache(redis.Redis.from_url("redis://127.0.0.1:1/0"))


def test_v30_a_value_is_kept_as_json_for_its_time(cache: Cache, client: redis.Redis) -> None:
    value = {"total": 3, "names": ["Zoë", None], "rate": 0.5}
    assert cache.set("tenant:1:stats:contacts", value, ttl=CACHE_TTL_5_MINUTES)
    assert cache.get("tenant:1:stats:contacts") == value
    assert 299 <= client.ttl("cache:tenant:1:stats:contacts") <= 300
    assert cache.get("tenant:2:stats:contacts") is None


def test_v30_what_is_not_json_is_an_error_of_the_caller(cache: Cache) -> None:
    with pytest.raises(TypeError):
        cache.set("a", object())
    with pytest.raises(ValueError, match="Out of range"):
        cache.set("a", float("nan"))


def test_v30_times_have_names() -> None:
    times = (
        CACHE_TTL_1_MINUTE,
        CACHE_TTL_5_MINUTES,
        CACHE_TTL_15_MINUTES,
        CACHE_TTL_1_HOUR,
        CACHE_TTL_1_DAY,
    )
    assert times == (60, 300, 900, 3_600, 86_400)


def test_v30_keys_have_builders() -> None:
    assert build_tenant_key(1, "anything:else") == "tenant:1:anything:else"
    assert build_contact_key(1, 2) == "tenant:1:contact:2"
    assert build_campaign_key(1, 42) == "tenant:1:campaign:42"
    assert build_template_key(1, 3) == "tenant:1:template:3"
    assert build_stats_key(1, "contacts") == "tenant:1:stats:contacts"


def test_v30_keys_are_deleted_by_pattern_and_only_those(cache: Cache) -> None:
    for key in ("tenant:1:stats:a", "tenant:1:stats:b", "tenant:1:contact:1", "tenant:10:stats:a", "tenant:2:stats:a"):
        cache.set(key, 1)
    assert cache.delete_pattern("tenant:1:stats:*") == 2
    assert cache.get("tenant:1:contact:1") == cache.get("tenant:10:stats:a") == cache.get("tenant:2:stats:a") == 1
    assert cache.delete_pattern("tenant:1:*") == 1
    assert cache.get("tenant:10:stats:a") == 1


def test_v30_thousands_of_keys_are_deleted_in_batches(cache: Cache) -> None:
    for number in range(1_234):
        cache.set(build_contact_key(1, number), number)
    assert cache.delete_pattern("tenant:1:contact:*") == 1_234


@pytest.mark.parametrize("pattern", ["*", "tenant:*", "tenant:1*", "tenant:?:a", "tenant:[1]:*", "", "*:stats"])
def test_v30_a_pattern_that_would_reach_other_tenants_is_refused(cache: Cache, pattern: str) -> None:
    cache.set("tenant:1:a", 1)
    with pytest.raises(ValueError, match="must begin with a whole name"):
        cache.delete_pattern(pattern)
    assert cache.get("tenant:1:a") == 1


def test_v30_only_a_star_stands_for_other_text(cache: Cache) -> None:
    cache.set("tenant:1:ab", 1)
    assert cache.delete_pattern("tenant:1:a?") == cache.delete_pattern("tenant:1:[a]b") == 0
    assert build_tenant_key(1, "*?[a]") == "tenant:1:%2A%3F%5Ba%5D"


def test_v30_counters_begin_at_nothing_and_their_time_begins_once(cache: Cache, client: redis.Redis) -> None:
    assert cache.increment("tenant:1:hits", ttl=60) == 1
    client.expire("cache:tenant:1:hits", 30)
    assert cache.increment("tenant:1:hits", 4, ttl=60) == 5
    assert client.ttl("cache:tenant:1:hits") <= 30
    assert cache.get("tenant:1:hits") == 5
    assert cache.increment("tenant:1:for ever") == 1
    assert client.ttl("cache:tenant:1:for ever") == -1


def test_v30_health_tells_whether_redis_answers(cache: Cache, away: Cache) -> None:
    answer = cache.health()
    assert answer.is_up
    assert answer.round_trip is not None
    assert not away.health().is_up


def test_without_redis_nothing_is_found_kept_or_raised(away: Cache, caplog: pytest.LogCaptureFixture) -> None:
    assert away.get("tenant:1:a") is None
    assert away.set("tenant:1:a", 1) is False
    assert away.increment("tenant:1:a") is None
    assert away.delete("tenant:1:a") == away.delete_pattern("tenant:1:*") == 0
    assert away.remember("tenant:1:a", 60, lambda: [1]) == [1]
    assert away.failures >= 6
    assert len([record for record in caplog.records if record.message == "the cache is away"]) == 1


def test_of_many_who_miss_a_value_at_once_one_makes_it(cache: Cache) -> None:
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def make() -> dict[str, int]:
        made.append(1)
        begun.set()
        go_on.wait(10)
        return {"total": 7}

    with ThreadPoolExecutor(20) as threads:
        answers = [threads.submit(cache.remember, "tenant:1:stats:contacts", 60, make) for _ in range(20)]
        begun.wait(10)
        go_on.set()
        assert [answer.result() for answer in answers] == [{"total": 7}] * 20
    assert made == [1]


def test_a_value_that_became_stale_while_it_was_made_is_not_kept(cache: Cache) -> None:
    for forget in (lambda: cache.delete("tenant:1:stats:a"), lambda: cache.delete_pattern("tenant:1:*:a")):

        def make(forget=forget) -> int:  # type: ignore[no-untyped-def]
            forget()
            return 1

        assert cache.remember("tenant:1:stats:a", 60, make) == 1
        assert cache.get("tenant:1:stats:a") is None


def test_who_could_not_make_a_value_leaves_the_way_free(cache: Cache, client: redis.Redis) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.remember("tenant:1:a", 60, fail)
    assert client.keys("*") == []
    assert cache.remember("tenant:1:a", 60, lambda: 2) == 2


def test_the_cache_has_a_database_of_its_own_when_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "tenant:1:own database"
    monkeypatch.setenv("REDIS_CACHE_DB", "9")
    get_cache().set(key, 1, ttl=60)
    with redis.Redis.from_url(settings.REDIS_URL) as other:
        assert other.get(f"cache:{key}") is None
        other.select(9)
        assert other.get(f"cache:{key}") == b"1"
        other.unlink(f"cache:{key}")
    monkeypatch.delenv("REDIS_CACHE_DB")
    assert get_cache().get(key) is None


def test_it_goes_on_when_redis_is_back(tmp_path: Path) -> None:
    with Valkey(tmp_path, fast_and_unsafe=True) as first:
        url = first.url()
        cache = Cache(redis.Redis.from_url(url))
        assert cache.set("tenant:1:a", 1)
    assert cache.get("tenant:1:a") is None
    with Valkey(tmp_path, fast_and_unsafe=True) as second:
        assert second.url() == url
        assert cache.set("tenant:1:a", 2)
        assert cache.get("tenant:1:a") == 2
