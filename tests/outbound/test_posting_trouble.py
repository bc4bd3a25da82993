"""What a sender does when its own ground gives way: the database, the disk, Redis."""

import errno
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from common.database import connect
from outbound.engine.journal import Journal
from outbound.posting import heartbeat, sender, waiting
from outbound.posting.heartbeat import Heartbeat, living_senders
from outbound.posting.sender import start
from outbound.states import RecipientState
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import outcomes, post, rows, run, send_what_is_due
from tests.outbound.posting_cast import waiting as still_waiting

pytestmark = pytest.mark.usefixtures("live_tenant")


def test_a_lost_database_connection_costs_nobody_anything() -> None:
    """Connections are cut again and again while it sends: everybody is mailed once, and it ends by itself."""
    with Provider() as provider:
        provider.account(connections=2)
        for number in range(400):
            post(f"user{number}@example.com")
        done = threading.Event()
        worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
        worker.start()
        try:
            for least in (50, 150, 250):
                _until(lambda least=least: len(provider.server.taken) > least)  # type: ignore[misc]
                run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                run("UPDATE outbound_batch SET lease_until = least(lease_until, now() + interval '2 seconds')")
            _until(lambda: not still_waiting())
        finally:
            done.set()
            worker.join(60)
        assert provider.received == {f"user{number}@example.com": 1 for number in range(400)}
    assert outcomes() == {RecipientState.SENT: 400}
    assert rows("SELECT sum(sent) FROM outbound_daily") == [(400,)]


def test_without_a_journal_nothing_is_taken_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(directory: Path, **_: object) -> Journal:
        raise OSError(errno.ENOSPC, "No space left on device", str(directory))

    monkeypatch.setattr(Journal, "create", full)
    monkeypatch.setattr(sender, "_PATIENCE_SECONDS", 1.0)
    with Provider() as provider:
        provider.account()
        post("ann@example.com")
        sent = send_what_is_due()
        assert sent.outcomes == {}
        assert sent.left_over == ("live",)
        assert provider.received == {}
        assert "cannot write its journal (No space left on device)" in caplog.text
        assert rows("SELECT count(*), count(batch_id) FROM outbound_queue") == [(1, 0)]
        assert rows("SELECT count(*) FROM outbound_batch") == [(0,)]
        monkeypatch.undo()
        assert send_what_is_due().outcomes == {"sent": 1}


def test_a_tenant_that_fell_off_the_list_is_put_back_by_the_sweep() -> None:
    with connect(application="test") as held:
        post("ann@example.com")
        run("DELETE FROM public.tenants_waitingmail")
        waiting.sweep(held)
        assert waiting.due_schemas(held) == ["live"]


def test_looking_away_leaves_what_waits_on_the_list() -> None:
    with connect(application="test") as held:
        run("DELETE FROM public.tenants_waitingmail")
        post("ann@example.com")
        waiting.look_away(held, "live")
        assert waiting.due_schemas(held) == ["live"]
        run("DELETE FROM outbound_queue")
        waiting.look_away(held, "live")
        assert waiting.due_schemas(held) == []


def test_a_living_sender_is_known() -> None:
    beat = Heartbeat("host:1:abc")
    beat.beat()
    assert "host:1:abc" in (living_senders() or [])
    beat.end()
    assert "host:1:abc" not in (living_senders() or [])


def test_without_redis_it_is_not_known_who_lives_and_sending_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    assert heartbeat.living_senders() is None
    with Provider() as provider:
        provider.account()
        post("ann@example.com")
        assert send_what_is_due().outcomes == {"sent": 1}


def _until(question: Any, seconds: float = 90.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if question():
            return
        pause.wait(0.02)
    raise AssertionError("nothing happened")
