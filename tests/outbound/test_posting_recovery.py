"""What a crash may cost: a sender dies at each stage, and another one finds what it had in hand."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from common.database import connect
from outbound.engine.journal import Mark
from outbound.posting import recovering
from outbound.posting.claiming import Claimed, Wish, claim, outcome
from outbound.posting.letters import Letterheads
from outbound.posting.recovering import recover
from outbound.posting.types import Findings, Mailroom
from outbound.posting.writing import settle_doubts, write
from outbound.states import RecipientState
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import outcomes, post, rows, run, send_what_is_due, standing, waiting

pytestmark = pytest.mark.usefixtures("live_tenant")
_ROOT = Path(__file__).resolve().parents[2]
_JOURNALS = Path(settings.ENGINE_JOURNAL_DIR)


@pytest.fixture
def held() -> Any:
    with connect(application="test") as connection:
        yield connection


@pytest.fixture
def room(live_tenant: Tenant) -> Mailroom:
    return Mailroom(live_tenant.schema_name, live_tenant.pk, "dead:1:x")


def taken(held: psycopg.Connection[Any], room: Mailroom, count: int, provider_id: int = 1) -> Claimed:
    """What a sender that then died had in hand."""
    for number in range(count):
        post(f"user{number}@example.com")
    claimed = claim(held, room, Wish(provider_id), journals=_JOURNALS, compile_all=Letterheads().compile_all)
    assert claimed is not None
    assert len(claimed.items) == count
    return claimed


def let_leases_run_out(seconds: int = 1) -> None:
    run("UPDATE outbound_batch SET lease_until = now() - make_interval(secs => %s)", seconds)


def test_each_recipient_of_a_dead_senders_batch_gets_the_verdict_its_journal_allows(
    held: psycopg.Connection[Any], room: Mailroom
) -> None:
    batch = taken(held, room, 8).batch
    batch.marks[0] = Mark.TAKEN
    batch.marks[1] = Mark.HANDED_OVER
    batch.marks[2] = Mark.DEFERRED
    batch.marks[3] = Mark.REFUSED
    let_leases_run_out()

    assert recover(held, room, journals=_JOURNALS) == 1

    assert outcomes() == {
        RecipientState.SENT: 1,
        RecipientState.IN_DOUBT: 1,
        RecipientState.DEFERRED: 1,
        RecipientState.BOUNCED_SOFT: 1,
    }
    assert rows("SELECT count(*), count(batch_id) FROM outbound_queue") == [(5, 0)]
    assert rows("SELECT count(*) FROM outbound_batch") == [(0,)]
    assert rows("SELECT state, count(*) FROM outbound_submission GROUP BY 1 ORDER BY 1") == [
        ("bounced", 1), ("deferred", 1), ("in_doubt", 1), ("queued", 4), ("sent", 1),
    ]  # fmt: skip
    assert list(room.journals(_JOURNALS).iterdir()) == []


def test_a_tenant_may_choose_that_doubtful_ones_are_mailed_again(held: psycopg.Connection[Any], room: Mailroom) -> None:
    taken(held, room, 2).batch.marks[0] = Mark.HANDED_OVER
    let_leases_run_out()
    recover(held, Mailroom(room.schema, room.tenant_id, "heir", resend_doubtful=True), journals=_JOURNALS)
    assert outcomes() == {}
    assert waiting() == 2


def test_without_its_journal_the_whole_batch_is_in_doubt_but_only_after_a_while(
    held: psycopg.Connection[Any], room: Mailroom
) -> None:
    taken(held, room, 3).batch.journal.close(remove=True)
    let_leases_run_out(5)
    assert recover(held, room, journals=_JOURNALS) == 0, "the machine that has the journal may come back"
    let_leases_run_out(61)
    assert recover(held, room, journals=_JOURNALS) == 1
    assert outcomes() == {RecipientState.IN_DOUBT: 3}


def test_a_journal_of_before_a_restart_of_the_machine_is_not_believed(
    held: psycopg.Connection[Any], room: Mailroom
) -> None:
    journal = taken(held, room, 2).batch.journal
    content = bytearray(journal.path.read_bytes())
    content[4:40] = b"0" * 36
    journal.path.write_bytes(content)
    let_leases_run_out(61)
    recover(held, room, journals=_JOURNALS)
    assert outcomes() == {RecipientState.IN_DOUBT: 2}


def test_who_lost_his_batch_can_write_nothing_but_settles_a_doubt(
    held: psycopg.Connection[Any], room: Mailroom
) -> None:
    claimed = taken(held, room, 2)
    claimed.batch.marks[0] = Mark.HANDED_OVER
    let_leases_run_out()
    recover(held, room, journals=_JOURNALS)
    doubtful = claimed.items[0]
    found = [_sent(item) for item in claimed.items]
    assert write(held, room.schema, Findings(outcomes=found)).ids == set()
    assert outcomes() == {RecipientState.IN_DOUBT: 1}
    assert waiting() == 1

    settle_doubts(held, room.schema, {(doubtful.message_id, doubtful.position)})

    assert outcomes() == {RecipientState.SENT: 1}
    assert standing(doubtful.message_id)[0] == "sent"


def test_a_write_whose_answer_was_lost_can_be_made_again(held: psycopg.Connection[Any], room: Mailroom) -> None:
    claimed = taken(held, room, 3)
    findings = Findings(outcomes=[_sent(item) for item in claimed.items], finished=[claimed.batch.id])
    assert len(write(held, room.schema, findings).ids) == 3
    assert write(held, room.schema, findings).ids == set()
    assert outcomes() == {RecipientState.SENT: 3}
    assert rows("SELECT sum(sent) FROM outbound_daily") == [(3,)]


def test_a_crash_during_recovery_forgets_nothing(
    held: psycopg.Connection[Any], room: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(held, room, 2).batch.marks[0] = Mark.HANDED_OVER
    let_leases_run_out()
    with monkeypatch.context() as patched:
        patched.setattr(recovering, "write", _die)
        with pytest.raises(KeyboardInterrupt):
            recover(held, room, journals=_JOURNALS)
    recover(held, room, journals=_JOURNALS)
    assert outcomes() == {RecipientState.IN_DOUBT: 1}
    assert waiting() == 1


@pytest.mark.slow
def test_a_sender_that_is_killed_loses_nobody_and_mails_nobody_twice() -> None:
    count, kills = 600, 3
    with Provider(lambda verb, argument: time.sleep(0.002) if verb == "BODY" else None) as provider:  # type: ignore[func-returns-value]
        provider.account(connections=4)
        for number in range(count):
            post(f"user{number}@example.com")
        for round_ in range(1, kills + 1):
            child = sender()
            wait_until(lambda done=round_: len(provider.server.taken) > done * 80)
            child.kill()
            child.wait(10)
            let_leases_run_out()
        send_what_is_due()
        received = provider.received
    assert waiting() == 0
    assert set(received.values()) == {1}, [who for who, times in received.items() if times > 1]
    found = outcomes()
    assert sum(found.values()) == count
    assert set(found) <= {RecipientState.SENT, RecipientState.IN_DOUBT}
    # In doubt is only what was in flight when the sender died, at most one a connection and kill.
    assert found[RecipientState.IN_DOUBT] <= 4 * kills
    assert len(received) >= found[RecipientState.SENT]
    assert list((_JOURNALS / "live" / "single").iterdir()) == []


@pytest.mark.slow
def test_a_sender_that_is_told_to_end_leaves_nothing_in_doubt() -> None:
    with Provider(lambda verb, argument: time.sleep(0.002) if verb == "BODY" else None) as provider:  # type: ignore[func-returns-value]
        provider.account(connections=4)
        for number in range(400):
            post(f"user{number}@example.com")
        child = sender()
        wait_until(lambda: len(provider.server.taken) > 60)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        sent = outcomes()
        assert set(sent) == {RecipientState.SENT}
        assert 0 < sent[RecipientState.SENT] == len(provider.server.taken)
        assert rows("SELECT count(*), count(batch_id) FROM outbound_queue") == [(400 - sent[RecipientState.SENT], 0)]
        assert rows("SELECT count(*) FROM outbound_batch") == [(0,)]
        send_what_is_due()
        assert provider.received == Counter({f"user{number}@example.com": 1 for number in range(400)})


def sender() -> "subprocess.Popen[bytes]":
    """A sender's process, as `manage.py serve` starts it, for the tests' database."""
    database = settings.DATABASES["default"]
    environ = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@{database['HOST'].replace('/', '%2F')}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "LETTERSHOP_DATA": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'platform'}",
    }
    program = (
        "import django; django.setup(); from django.core.management import call_command;"
        " call_command('queue', 'start', tenant='live')"
    )
    return subprocess.Popen([sys.executable, "-c", program], env=environ, cwd=_ROOT)


def wait_until(question: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def _sent(item: Any) -> Any:
    return outcome(item, RecipientState.SENT, 250, None)
