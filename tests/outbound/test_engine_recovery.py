"""What a crash may cost: a worker dies at each stage, and another one takes its chunk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from common.database import connection
from outbound.engine.journal import Mark
from outbound.engine.store import Progress, Store
from outbound.engine.types import Job, Lease
from outbound.models import Message
from outbound.services import work_on
from outbound.states import MessageState, RecipientState
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider, books_agree, make_contacts, start_mailing, states

pytestmark = pytest.mark.usefixtures("live_tenant", "_close_stores")
_stores: list[Store] = []


@pytest.fixture
def _close_stores() -> Iterator[None]:
    yield
    while _stores:
        _stores.pop().close()


@pytest.fixture
def message() -> Message:
    make_contacts(20)
    with Provider() as provider:
        return start_mailing(provider.account())


def store_of(message: Message, tenant: Tenant, owner: str, *, resend: bool = False) -> Store:
    job = Job(tenant.schema_name, tenant.pk, message.pk, message.month, in_doubt_resend=resend)
    store = Store(
        job, owner=owner, fields=(), marketing=True, journal_dir=Path(settings.ENGINE_JOURNAL_DIR), lease_seconds=20.0
    )
    _stores.append(store)
    return store


def let_leases_run_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_chunk SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL"
        )


def flush(store: Store, lease: Lease, *, sent: list[int]) -> set[int]:
    counts = lease.counts.plus(len(sent), [])
    lost = store.flush([Progress(lease, counts, lease.watermark, False, sent, [])]).lost
    if not lost:
        lease.counts = counts
    return lost


def test_each_position_of_a_dead_workers_chunk_gets_the_verdict_its_journal_allows(
    message: Message, live_tenant: Tenant
) -> None:
    dead = store_of(message, live_tenant, "dead")
    lease = dead.take(window=1000)
    assert lease is not None
    assert lease.journal is not None
    flush(dead, lease, sent=[0, 1])
    lease.journal.marks[0] = lease.journal.marks[1] = Mark.TAKEN
    lease.journal.marks[2] = Mark.TAKEN  # answered, but not recorded yet
    lease.journal.marks[3] = Mark.HANDED_OVER  # no answer seen
    lease.journal.marks[4] = Mark.DEFERRED
    lease.journal.marks[5] = Mark.REFUSED
    let_leases_run_out()

    taken = store_of(message, live_tenant, "heir").take(window=1000)

    assert taken is not None
    assert taken.todo == list(range(6, 20))
    assert states(message) == {
        RecipientState.SENT: 3,
        RecipientState.IN_DOUBT: 1,
        RecipientState.DEFERRED: 1,
        RecipientState.BOUNCED_SOFT: 1,
    }
    assert taken.counts.done == 6
    assert books_agree(message)


def test_without_its_journal_everything_below_the_watermark_is_in_doubt(message: Message, live_tenant: Tenant) -> None:
    dead = store_of(message, live_tenant, "another machine")
    lease = dead.take(window=8)
    assert lease is not None
    assert lease.journal is not None
    flush(dead, lease, sent=[0, 1])
    lease.journal.close(remove=True)
    let_leases_run_out()

    taken = store_of(message, live_tenant, "heir").take(window=8)

    assert taken is not None
    assert taken.todo == list(range(8, 20))
    assert states(message) == {RecipientState.SENT: 2, RecipientState.IN_DOUBT: 6}


def test_a_journal_of_before_a_restart_of_the_machine_is_not_believed(message: Message, live_tenant: Tenant) -> None:
    dead = store_of(message, live_tenant, "before the restart")
    lease = dead.take(window=5)
    assert lease is not None
    assert lease.journal is not None
    content = bytearray(lease.journal.path.read_bytes())
    content[4:40] = b"0" * 36
    lease.journal.path.write_bytes(content)
    let_leases_run_out()

    taken = store_of(message, live_tenant, "heir").take(window=5)

    assert taken is not None
    assert states(message) == {RecipientState.IN_DOUBT: 5}


def test_a_tenant_may_choose_that_doubtful_ones_are_mailed_again(message: Message, live_tenant: Tenant) -> None:
    lease = store_of(message, live_tenant, "dead").take(window=1000)
    assert lease is not None
    assert lease.journal is not None
    lease.journal.marks[3] = Mark.HANDED_OVER
    let_leases_run_out()

    taken = store_of(message, live_tenant, "heir", resend=True).take(window=1000)

    assert taken is not None
    assert taken.todo == list(range(20))


def test_a_crash_during_recovery_forgets_nothing(
    message: Message, live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = store_of(message, live_tenant, "dead").take(window=1000)
    assert lease is not None
    assert lease.journal is not None
    lease.journal.marks[0] = Mark.HANDED_OVER
    let_leases_run_out()
    dies = store_of(message, live_tenant, "dies while it recovers")
    monkeypatch.setattr(dies, "_begin", _die)
    with pytest.raises(KeyboardInterrupt):
        dies.take(window=1000)
    let_leases_run_out()

    taken = store_of(message, live_tenant, "heir").take(window=1000)

    assert taken is not None
    assert states(message) == {RecipientState.IN_DOUBT: 1}
    assert taken.todo == list(range(1, 20))


def test_who_lost_the_lease_can_record_nothing_but_settles_a_doubt(message: Message, live_tenant: Tenant) -> None:
    slow = store_of(message, live_tenant, "slow")
    lease = slow.take(window=1000)
    assert lease is not None
    assert lease.journal is not None
    lease.journal.marks[0] = Mark.HANDED_OVER
    let_leases_run_out()
    assert store_of(message, live_tenant, "heir").take(window=1000) is not None
    assert states(message) == {RecipientState.IN_DOUBT: 1}

    assert flush(slow, lease, sent=[0, 1]) == {lease.chunk_id}

    # Position 1 is the heir's to send; position 0 was in doubt and is now known.
    assert states(message) == {RecipientState.SENT: 1}
    with connection.cursor() as cursor:
        cursor.execute("SELECT sent, in_doubt FROM outbound_chunk")
        assert cursor.fetchall() == [(1, 0)]


def test_a_flush_whose_answer_was_lost_can_be_sent_again(message: Message, live_tenant: Tenant) -> None:
    store = store_of(message, live_tenant, "owner")
    lease = store.take(window=1000)
    assert lease is not None
    progress = [Progress(lease, lease.counts.plus(2, []), 1000, False, [0, 1], [])]
    store.flush(progress)
    store.flush(progress)
    assert states(message) == {RecipientState.SENT: 2}
    assert books_agree(message)


def test_a_drained_worker_leaves_nothing_in_doubt(live_tenant: Tenant) -> None:
    make_contacts(4_000)
    with Provider() as provider:
        message = start_mailing(provider.account())
        turns = iter([False] * 3 + [True] * 1_000)
        work_on(message.pk, stop=lambda: next(turns), slice_seconds=60)
        assert 0 < sum(states(message).values()) < 4_000
        assert work_on(message.pk, stop=lambda: False, slice_seconds=60).state == MessageState.FINISHED
        assert provider.received == {f"user{i}@example.com": 1 for i in range(4_000)}
    assert states(message) == {RecipientState.SENT: 4_000}


def test_no_journal_is_left_when_all_is_recorded(live_tenant: Tenant) -> None:
    make_contacts(1_500)
    with Provider() as provider:
        message = start_mailing(provider.account())
        work_on(message.pk, stop=lambda: False, slice_seconds=60)
    assert list((Path(settings.ENGINE_JOURNAL_DIR) / live_tenant.schema_name).iterdir()) == []


def _die(*_: object) -> None:
    raise KeyboardInterrupt
