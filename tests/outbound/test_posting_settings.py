"""What operators set while the installation runs holds for senders of single messages."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
import redis
from django.conf import settings

from common.database import connection, conninfo
from outbound.models import ProviderAccount
from outbound.posting.allowance import DailyAllowance
from outbound.posting.sender import process
from outbound.rates import SharedRate, rate_client
from outbound.states import RecipientState
from tenants.models import Setting
from tenants.services.setting_rows import rows as setting_rows
from tenants.services.settings import change
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import make_due, outcomes, post, rows, run, send_what_is_due, standing, waiting
from tests.outbound.smtp_server import HangUp

pytestmark = pytest.mark.usefixtures("live_tenant")


@pytest.fixture(autouse=True)
def as_before(live_tenant: object) -> Iterator[None]:
    """Settings and counts are of the whole installation: nothing of them stays."""
    yield
    Setting.objects.all().delete()
    setting_rows.forget()
    client = rate_client(settings.REDIS_URL)
    for key in client.scan_iter("daily:*"):
        client.delete(key)


def say(**given: object) -> None:
    change(given, provider_types=["smtp"], by="a test")


def busy(verb: str, argument: str) -> str | None:
    return "451 4.3.0 try later" if verb == "RCPT" else None


def test_no_more_are_taken_in_hand_at_once_than_the_operator_says() -> None:
    say(queue={"batch_size": 3})
    sizes: set[int] = set()

    def look(verb: str, argument: str) -> str | None:
        if verb == "RCPT":
            sizes.update(size for (size,) in rows_elsewhere("SELECT size FROM live.outbound_batch"))
        return None

    with Provider(look) as provider:
        provider.account()
        for number in range(8):
            post(f"p{number}@example.com")
        assert send_what_is_due().outcomes == {"sent": 8}
    assert max(sizes) == 3


def test_after_the_last_retry_a_recipient_is_given_up() -> None:
    say(queue={"max_retries": 1})
    with Provider(busy) as provider:
        provider.account()
        message = post("ann@example.com")
        assert send_what_is_due().outcomes == {"deferred": 1}
        make_due()
        send_what_is_due()
    assert outcomes() == {RecipientState.BOUNCED_SOFT: 1}
    assert standing(message) == ("bounced", "given up after 2 tries: 4.3.0 try later", "finished")
    assert waiting() == 0


def test_no_retries_at_all_may_be_wanted() -> None:
    say(queue={"max_retries": 0})
    with Provider(busy) as provider:
        provider.account()
        post("ann@example.com")
        send_what_is_due()
    assert outcomes() == {RecipientState.BOUNCED_SOFT: 1}


def test_mail_waits_while_its_type_of_account_is_switched_off() -> None:
    say(providers={"smtp": {"enabled": False}})
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com")
        process_briefly(lambda: True)
        assert (provider.server.taken, waiting()) == ([], 1)
        say(providers={"smtp": {"enabled": True}})
        assert send_what_is_due().outcomes == {"sent": 1}
    assert standing(message)[0] == "sent"


def test_an_account_gets_no_more_a_day_than_the_operator_says() -> None:
    say(providers={"smtp": {"rate_limit": 3}})
    with Provider() as provider:
        provider.account()
        for number in range(5):
            post(f"p{number}@example.com")
        process_briefly(lambda: len(provider.server.taken) >= 3)
        assert len(provider.server.taken) == 3
        assert waiting() == 2
        say(providers={"smtp": {"rate_limit": 4}})
        process_briefly(lambda: len(provider.server.taken) >= 4)
        assert len(provider.server.taken) == 4


def test_what_is_sent_while_redis_takes_its_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    take = DailyAllowance.take

    def slow_take(allowance: DailyAllowance, wanted: int) -> int:
        given = take(allowance, wanted)
        time.sleep(0.3)
        return given

    def slow_greeting(verb: str, argument: str) -> None:
        if verb == "EHLO":
            time.sleep(0.45)

    monkeypatch.setattr(DailyAllowance, "take", slow_take)
    say(providers={"smtp": {"rate_limit": 3}})
    with Provider(slow_greeting) as provider:
        provider.account()
        for number in range(5):
            post(f"p{number}@example.com")
        process_briefly(lambda: len(provider.server.taken) >= 3)
        assert len(provider.server.taken) == 3


def test_a_daily_count_that_redis_has_lost_begins_with_what_was_sent() -> None:
    with Provider() as provider:
        account = provider.account()
        for number in range(3):
            post(f"p{number}@example.com")
        send_what_is_due()
        allowance = daily(account, most=5)
        assert [allowance.take(1), allowance.take(9), allowance.take(1)] == [1, 1, 0]


def test_what_was_given_today_is_known_without_reading_recipients() -> None:
    """Millions may have been mailed: counting them would hold sending up when Redis has lost the day."""
    with Provider() as provider:
        account, other = provider.account(), provider.account(name="other")
        for number in range(3):
            post(f"p{number}@example.com")
        send_what_is_due()
        given = dict(rows("SELECT provider_id, sum(given)::int FROM outbound_accountday GROUP BY 1"))
        assert sum(given.values()) == 3
        with psycopg.connect(conninfo()) as another:
            another.execute("LOCK TABLE live.outbound_recipient, live.outbound_submission IN ACCESS EXCLUSIVE MODE")
            run("SET lock_timeout = '2s'")
            try:
                for one in (account, other):
                    assert daily(one, most=5).take(9) == 5 - given.get(one.pk, 0)
            finally:
                run("RESET lock_timeout")
                another.rollback()


def test_a_mail_in_doubt_counts_and_one_that_bounced_later_still_does() -> None:
    def drop(verb: str, argument: str) -> str | None:
        if verb == "BODY" and argument == "lost@example.com":
            raise HangUp
        return "550 5.1.1 nobody" if verb == "RCPT" and argument.startswith("dead") else None

    with Provider(drop) as provider:
        account = provider.account(connections=1)
        for who in ("ann", "lost", "dead"):
            post(f"{who}@example.com")
        send_what_is_due()
        assert outcomes()[RecipientState.IN_DOUBT] == 1
        run("UPDATE outbound_recipient SET state = 6 WHERE state = 3")
        assert daily(account, most=9).take(9) == 7


def test_while_redis_is_away_the_database_says_how_many_are_left() -> None:
    with Provider() as provider:
        account = provider.account()
        for number in range(3):
            post(f"p{number}@example.com")
        send_what_is_due()
        now = [100.0]
        away = redis.Redis(unix_socket_path="/nowhere/redis.sock")
        allowance = DailyAllowance(away, "live", account.pk, most=5, rate=None, clock=lambda: now[0])
        assert [allowance.take(9), allowance.take(9)] == [2, 0]
        now[0] += 6
        assert allowance.take(1) == 1


def test_what_redis_gave_a_moment_before_it_went_away_is_not_given_again(tmp_path: Path) -> None:
    real = rate_client(settings.REDIS_URL).connection_pool.connection_kwargs
    if "path" not in real:
        pytest.skip("this Redis has no socket whose name could be taken away")
    with Provider() as provider:
        account, now, socket = provider.account(), [100.0], tmp_path / "redis.sock"
        socket.symlink_to(real["path"])
        client = redis.Redis(unix_socket_path=str(socket), db=real["db"])
        allowance = DailyAllowance(client, "live", account.pk, most=5, rate=None, clock=lambda: now[0])
        assert allowance.take(4) == 4
        socket.unlink()
        client.connection_pool.disconnect()
        assert allowance.take(5) == 0
        now[0] += 6
        assert allowance.take(5) == 5  # by the books: nothing of it was sent


@pytest.mark.parametrize("lost", [False, True], ids=["it kept its count", "it lost its count"])
def test_what_was_given_while_redis_was_away_counts_when_it_is_back(tmp_path: Path, lost: bool) -> None:
    real = rate_client(settings.REDIS_URL).connection_pool.connection_kwargs
    if "path" not in real:
        pytest.skip("this Redis has no socket whose name could be taken away")
    with Provider() as provider:
        account = provider.account()
        if not lost:
            assert daily(account, most=9).take(2) == 2
        client = redis.Redis(unix_socket_path=str(tmp_path / "redis.sock"), db=real["db"])
        allowance = DailyAllowance(client, "live", account.pk, most=9, rate=None)
        assert allowance.take(5) == 5
        (tmp_path / "redis.sock").symlink_to(real["path"])
        assert allowance.take(9) == (4 if lost else 2)
        assert daily(account, most=9).take(9) == 0


def test_a_permit_that_the_rate_holds_back_is_not_lost_to_the_day() -> None:
    with Provider() as provider:
        account = provider.account()
        client = rate_client(settings.REDIS_URL)
        rate = SharedRate(client, key=f"live:{account.pk}", per_second=4, workers=1)
        allowance = DailyAllowance(client, "live", account.pk, most=2, rate=rate)
        assert allowance.take(1) == 1
        assert [allowance.take(1) for _ in range(5)] == [0] * 5
        assert daily(account, most=2).take(5) == 1


def daily(account: ProviderAccount, *, most: int) -> DailyAllowance:
    return DailyAllowance(rate_client(settings.REDIS_URL), "live", account.pk, most=most, rate=None)


def process_briefly(is_enough: Callable[[], bool]) -> None:
    """A sender's turn that ends a while after it has sent what it may, although mail is left."""
    ends = time.monotonic() + 60

    def stop() -> bool:
        nonlocal ends
        if is_enough():
            ends = min(ends, time.monotonic() + 2.5)
        return time.monotonic() > ends

    process(only=[connection.schema_name], stop=stop)


def rows_elsewhere(statement: LiteralString) -> list[tuple[Any, ...]]:
    """From another thread than the test's."""
    with psycopg.connect(conninfo()) as other:
        return other.execute(statement).fetchall()
