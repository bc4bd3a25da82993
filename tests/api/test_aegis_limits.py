"""A6: 100 an hour for each key and endpoint, exact, told on every answer of `/send`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import override_settings

from tenants.models import Tenant
from tests.api.clients.cast import Program, count, make_ready, program
from tests.api.limits_cast import default_of, empty_windows

HELLO: dict[str, Any] = {"to": "user@example.com", "subject": "Welcome!", "body": "Thank you."}
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@pytest.fixture
def windows() -> Iterator[redis.Redis]:
    with override_settings(API_LIMIT_AEGIS=100), empty_windows() as client:
        yield client


@pytest.fixture
def shop(acme: Tenant, windows: redis.Redis) -> Program:
    make_ready()
    return program(acme, "/send")


def left(answer: Any) -> int:
    return int(answer.headers["X-RateLimit-Remaining"])


def test_a06_every_answer_to_a_good_key_says_what_is_left(shop: Program) -> None:
    good = shop.send(HELLO)
    assert good.status_code == 202
    assert (good.headers["X-RateLimit-Limit"], left(good)) == ("100", 99)
    assert int(good.headers["X-RateLimit-Reset"]) > 0
    bad = shop.send(HELLO | {"to": "x"})
    assert (bad.status_code, left(bad)) == (400, 98)
    unreadable = shop.send(b"{")
    assert (unreadable.status_code, left(unreadable)) == (400, 97)
    nothing = shop.call("POST", "/send")
    assert (nothing.status_code, left(nothing)) == (400, 96)
    assert all(name in answer.headers for name in HEADERS for answer in (good, bad, unreadable, nothing))


def test_a06_the_101st_call_is_429_and_another_key_goes_on(shop: Program, acme: Tenant) -> None:
    with override_settings(API_LIMIT_AEGIS=3):
        answers = [shop.send(HELLO) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        refused = answers[3]
        body = refused.json()
        assert set(body) == {"error", "message", "code", "timestamp", "retry_after"}
        assert (body["error"], body["code"]) == ("Too Many Requests", "RATE_LIMIT_EXCEEDED")
        assert body["message"] == "Rate limit exceeded. Try again later."
        assert 0 < body["retry_after"] <= 3600
        assert refused.headers["Retry-After"] == str(body["retry_after"])
        assert left(refused) == 0
        assert program(acme, "/send").send(HELLO).status_code == 202
    assert count("outbound_submission") == 4


def test_a06_calls_of_an_hour_ago_are_forgotten(shop: Program, windows: redis.Redis) -> None:
    with override_settings(API_LIMIT_AEGIS=2):
        assert [shop.send(HELLO).status_code for _ in range(3)] == [202, 202, 429]
        for name in windows.scan_iter("limit:3600:aegis:*"):
            for member, at in windows.zrange(name, 0, -1, withscores=True):
                windows.zadd(name, {member: at - 3_600 * 1_000_000})
        assert shop.send(HELLO).status_code == 202


def test_a06_asking_and_wrong_keys_are_not_counted(shop: Program) -> None:
    sent = shop.send(HELLO)
    shop.send(HELLO, x_api_key="wrong")
    status = shop.get(f"/send/{sent.json()['message_id']}/status")
    assert status.status_code == 200
    assert "X-RateLimit-Limit" not in status.headers
    assert left(shop.send(HELLO)) == 98


def test_a06_it_is_exact_when_all_come_at_once(live_tenant: Tenant, windows: redis.Redis) -> None:
    make_ready()
    shop = program(live_tenant, "/send")
    connection.set_schema_to_public()

    def one(_: int) -> int:
        try:
            return int(Program(live_tenant, shop.key, "/send").send(HELLO).status_code)
        finally:
            connection.close()

    with override_settings(API_LIMIT_AEGIS=20), ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(one, range(60)))
    connection.set_tenant(live_tenant)
    assert sorted(answers) == [202] * 20 + [429] * 40
    assert count("outbound_submission") == 20


def test_the_limit_is_100_when_nobody_says_otherwise(acme: Tenant) -> None:
    with override_settings(API_LIMIT_AEGIS=default_of("API_LIMIT_AEGIS")), empty_windows():
        make_ready()
        assert program(acme, "/send").send(HELLO).headers["X-RateLimit-Limit"] == "100"
