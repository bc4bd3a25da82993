"""The limit of an end user whom a token names, beside those of its key, its tenant and all, over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest
from django.test import override_settings

from api.access import Caller
from api.intake.dialects import ROUTES, Send
from api.limits import Window, call_windows, close_limits, count_call, take_async
from api.limits.counted import CountedWindows
from tenants.models import ApiKey, CallCount, Tenant
from tests.api.limits_cast import empty_windows
from tests.api.live import listening
from tests.api.relay_cast import Relay, relay
from tests.api.v2_cast import V2, caller

NONE = {
    "API_LIMIT_PER_KEY": 0,
    "API_LIMIT_PER_USER": 0,
    "API_LIMIT_PER_TENANT": 0,
    "API_LIMIT_GLOBAL": 0,
    "API_LIMIT_RELAY_TIERS": 0,
}
NOWHERE = "redis://127.0.0.1:1/7"


@pytest.fixture(autouse=True)
def _as_if_nobody_had_called() -> Iterator[None]:
    with empty_windows():
        yield


class User:
    """Somebody who calls with tokens of this key; "" is the program itself."""

    def __init__(self, client: V2, name: str) -> None:
        answer = client.post("tokens", {"user": name} if name else {})
        assert answer.status_code == 201, answer.content
        self.tenant, self.token = client.tenant, answer.json()["token"]

    def call(self) -> Any:
        return Relay(self.tenant, "").get("rate-limit", authorization=f"Bearer {self.token}")

    def status(self) -> int:
        return int(self.call().status_code)


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 2})
def test_a_user_whom_a_token_names_has_a_limit_that_every_answer_tells(acme: Tenant) -> None:
    ana = User(caller(acme), "ana")
    for left in ("1", "0"):
        answer = ana.call()
        assert answer.status_code == 200
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("2", left)
    refused = ana.call()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 1})
def test_users_of_one_key_and_of_another_tenant_have_limits_of_their_own(acme: Tenant, globex: Tenant) -> None:
    client = caller(acme)
    ana, bo, theirs, nobody = User(client, "ana"), User(client, "bo"), User(caller(globex), "ana"), User(client, "")
    assert [one.status() for one in (ana, ana, bo, bo, theirs, theirs)] == [200, 429] * 3
    assert [nobody.status() for _ in range(3)] == [200] * 3


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 1})
def test_a_user_is_the_same_whichever_key_their_token_is_of(acme: Tenant) -> None:
    assert [User(caller(acme), "ana").status() for _ in range(2)] == [200, 429]


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 2, "API_LIMIT_PER_KEY": 5})
def test_the_headers_tell_of_the_user_or_of_the_key_whichever_is_nearer(acme: Tenant) -> None:
    client = caller(acme)
    # Two calls of the key already.
    ana, bo = User(client, "ana"), User(client, "bo")
    answers = [one.call() for one in (ana, ana, ana, bo, bo)]
    told = [(answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) for answer in answers]
    # What the user's window refuses is not counted for the key.
    assert told == [("2", "1"), ("2", "0"), ("2", "0"), ("5", "0"), ("5", "0")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 429]


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 2})
def test_a_new_token_is_the_same_users_and_asking_for_it_is_a_call_of_theirs(acme: Tenant) -> None:
    given = relay(acme).post("auth/token", {"user": "ana"}).json()["data"]
    refreshed = Relay(acme, "").post("auth/refresh", {"refresh_token": given["refresh_token"]})
    assert (refreshed.status_code, refreshed.headers["X-RateLimit-Remaining"]) == (200, "1")
    new = {"authorization": f"Bearer {refreshed.json()['data']['access_token']}", "x_api_key": ""}
    old = {**new, "authorization": f"Bearer {given['access_token']}"}
    client = relay(acme)
    assert client.get("rate-limit", **new).status_code == 200
    assert client.get("rate-limit", **old).status_code == 429
    assert client.get("rate-limit").status_code == 200


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 30})
def test_it_is_exact_when_two_hundred_calls_of_a_user_come_at_once(live_tenant: Tenant) -> None:
    client = caller(live_tenant)
    tokens = [client.post("tokens", {"user": name}).json()["token"] for name in ("ana", "bo")]
    try:
        with listening() as port, ThreadPoolExecutor(40) as threads:
            # The key is looked up and remembered, so that two hundred threads do not ask for it at once.
            assert _asked(port, client.post("tokens", {"user": "first"}).json()["token"])[0] == 200
            answers = list(threads.map(lambda number: _asked(port, tokens[number % 4 == 3]), range(200)))
    finally:
        ApiKey.objects.filter(tenant=live_tenant).delete()
    anas = [answer for number, answer in enumerate(answers) if number % 4 != 3]
    bos = [answer for number, answer in enumerate(answers) if number % 4 == 3]
    for theirs in (anas, bos):
        assert sorted(status for status, _ in theirs) == [200] * 30 + [429] * (len(theirs) - 30)
        left = [int(headers["X-RateLimit-Remaining"]) for status, headers in theirs if status == 200]
        assert sorted(left) == list(range(30))
        assert all(int(headers["Retry-After"]) >= 1 for status, headers in theirs if status == 429)


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 1}, REDIS_URL=NOWHERE)
def test_the_limit_of_a_user_holds_while_redis_is_away(acme: Tenant, globex: Tenant) -> None:
    client = caller(acme)
    for name in ("ana", "ü" * 200, "ü" * 199 + "u"):
        ana, theirs = User(client, name), User(caller(globex), name)
        assert [one.status() for one in (ana, ana, theirs, theirs)] == [200, 429] * 2
    assert CallCount.objects.count() == 6


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 200})
def test_in_the_database_a_name_is_longer_than_its_column_only_for_users(acme: Tenant) -> None:
    windows = call_windows(somebody(acme, "ü" * 200), acme)
    windows += [Window(f"user:{acme.pk}:{'ü' * 199}{last}", 200, 60) for last in "abc"]
    counted = [window for window in windows if window.limit]
    assert CountedWindows().count(counted, 2).allowed
    verdict = CountedWindows().count(counted, 3)
    assert [standing.used for standing in verdict.standings] == [5] * 4


@override_settings(**{**NONE, "API_LIMIT_PER_USER": 3})
async def test_an_event_loop_counts_a_users_calls_in_the_same_window() -> None:
    tenant = Tenant(pk=4711, schema_name="t4711", slug="t4711")
    ana = somebody(tenant, "ana")
    count_call(None, caller=ana, tenant=tenant)  # type: ignore[arg-type]
    told = await take_async(call_windows(ana, tenant))
    await close_limits()
    assert told is not None
    assert (told.limit, told.remaining) == (3, 1)


@pytest.mark.parametrize("path", list(ROUTES))
@override_settings(API_LIMIT_PER_USER=7)
def test_every_quick_door_would_count_a_user(acme: Tenant, path: str) -> None:
    windows = ROUTES[path].windows(Send(somebody(acme, "ana"), "192.0.2.1", path))
    assert Window(f"user:{acme.pk}:ana", 7, 60) in windows


def somebody(tenant: Tenant, user: str) -> Caller:
    return Caller(tenant=tenant, name="k", scopes=frozenset(), key_id=7, user=user, by_token=True)


def _asked(port: int, token: str) -> tuple[int, dict[str, str]]:
    door = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Host": "localhost", "Authorization": f"Bearer {token}"}
        door.request("GET", "/api/rate-limit", headers=headers)
        answer = door.getresponse()
        answer.read()
        return answer.status, dict(answer.headers)
    finally:
        door.close()
