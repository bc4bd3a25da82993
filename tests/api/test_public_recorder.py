"""Nothing that was counted is lost: not by SIGTERM, not by a database that goes away, not by a bad neighbour."""

import asyncio
import signal
from datetime import UTC, datetime

import pytest
from django.db import connection

from api.public.database import Database
from api.public.recorder import Recorder
from common.database import connect, conninfo
from outbound.models import Event, Message
from outbound.recording import CommitUnknown, Hit, Recorded
from outbound.states import EventKind
from tenants.models import Tenant
from tests.api.doors import KEYS, Doors, doors_in_process, doors_in_thread, wait_until
from tests.outbound.recipients import sent_message


@pytest.fixture
def message(live_tenant: Tenant) -> Message:
    return sent_message(50, links=[{"url": "https://shop.example/a"}])


def hit(message: Message, position: int, kind: int = EventKind.OPEN, agent: str | None = None) -> Hit:
    return Hit(
        kind, message.pk, position, datetime.now(UTC), 0 if kind == EventKind.CLICK else None, "192.0.2.1", agent
    )


def open_pixel(doors: Doors, message: Message, position: int) -> None:
    token = KEYS.mint(connection.tenant.pk, message.pk, position).decode()
    assert doors.ask("GET", f"/o/{token}.gif").status == 200


def cut_connections() -> None:
    with connect(application="test") as plain:
        plain.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('lettershop recorder', 'lettershop doors')"
        )


def test_sigterm_loses_nothing(live_tenant: Tenant, message: Message, unused_tcp_port: int) -> None:
    with doors_in_process(live_tenant.get_primary_domain().domain, unused_tcp_port) as (doors, process):
        for position in range(40):
            open_pixel(doors, message, position)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    assert Event.objects.count() == 40


def test_hits_that_are_durable_survive_a_kill(live_tenant: Tenant, message: Message, unused_tcp_port: int) -> None:
    with doors_in_process(live_tenant.get_primary_domain().domain, unused_tcp_port) as (doors, process):
        for position in range(10):
            open_pixel(doors, message, position)
        wait_until(lambda: Event.objects.count() == 10, 20)
        process.kill()
    assert Event.objects.count() == 10


def test_cut_connections_come_back_by_themselves(live_tenant: Tenant, message: Message) -> None:
    with doors_in_thread(live_tenant.get_primary_domain().domain) as (doors, app):
        for position in range(20):
            open_pixel(doors, message, position)
            if position % 5 == 4:
                cut_connections()
        token = KEYS.mint(connection.tenant.pk, message.pk, 49).decode()
        assert doors.ask("GET", f"/c/{token}/0").status == 302
        cut_connections()
        assert doors.ask("POST", f"/u/{token}").status == 200
        wait_until(lambda: not app.recorder.waiting)
    assert Event.objects.filter(kind=EventKind.OPEN).count() == 20
    assert Event.objects.filter(kind=EventKind.UNSUBSCRIBE).count() == 1


def test_without_a_database_a_door_says_try_again() -> None:
    with doors_in_thread("t.example", database="postgresql://nobody@127.0.0.1:9/none") as (doors, _):
        reply = doors.ask("GET", f"/c/{KEYS.mint(1, 1, 1).decode()}/0")
        assert (reply.status, reply.headers["retry-after"]) == (503, "10")
        assert doors.ask("POST", f"/u/{KEYS.mint(1, 1, 1).decode()}").status == 503
        assert doors.ask("GET", "/c/nonsense/0").status == 404


async def flushed(recorder: Recorder) -> None:
    recorder.start()
    await recorder.stop()


async def test_when_too_many_wait_opens_are_given_up_before_clicks() -> None:
    recorder = Recorder(Database("", application="test"), limit=4)
    message = Message(pk=1)
    for kind in (
        EventKind.OPEN,
        EventKind.OPEN,
        EventKind.CLICK,
        EventKind.OPEN,
        EventKind.OPEN,
        EventKind.CLICK,
        EventKind.CLICK,
    ):
        recorder.add("acme", hit(message, 0, kind))
    assert (recorder.waiting, recorder.counters.dropped) == (4, 3)
    assert [one.kind for _, one in recorder._others] == [EventKind.CLICK] * 3
    recorder.add("acme", hit(message, 0, EventKind.CLICK))
    recorder.add("acme", hit(message, 0, EventKind.CLICK))
    assert (recorder.waiting, len(recorder._opens), recorder.counters.dropped) == (4, 0, 5)


def test_a_hit_the_database_refuses_does_not_take_its_neighbours_along(live_tenant: Tenant, message: Message) -> None:
    recorder = Recorder(Database(conninfo(), application="lettershop recorder"))
    for position in range(50):
        recorder.add(
            live_tenant.schema_name, hit(message, position, agent="\x00" if position in (7, 30) else "Mozilla")
        )
    asyncio.run(flushed(recorder))
    assert (recorder.counters.recorded, recorder.counters.dropped, recorder.waiting) == (48, 2, 0)
    assert Event.objects.count() == 48


def test_the_hits_of_a_tenant_that_is_gone_do_not_stop_the_others(live_tenant: Tenant, message: Message) -> None:
    recorder = Recorder(Database(conninfo(), application="lettershop recorder"))
    recorder.add("no_such_schema", hit(message, 0))
    recorder.add(live_tenant.schema_name, hit(message, 1))
    recorder.add(live_tenant.schema_name, Hit(EventKind.OPEN, 10**9, 0, datetime.now(UTC)))
    asyncio.run(flushed(recorder))
    assert (recorder.counters.recorded, recorder.counters.dropped, recorder.counters.unknown) == (1, 1, 1)


def test_a_commit_whose_answer_was_lost_is_looked_up_and_not_repeated(live_tenant: Tenant, message: Message) -> None:
    """The transaction was committed; only the news of it did not arrive."""

    class LosesOneAnswer(Recorder):
        lost = False

        async def _try(self, batch):  # type: ignore[no-untyped-def]
            recorded = await super()._try(batch)
            if not self.lost:
                self.lost = True
                raise CommitUnknown(recorded)
            return recorded

    recorder = LosesOneAnswer(Database(conninfo(), application="lettershop recorder"))
    recorder.add(live_tenant.schema_name, hit(message, 0))
    asyncio.run(flushed(recorder))
    assert recorder.lost
    assert (recorder.counters.recorded, Event.objects.count()) == (1, 1)


def test_a_transaction_that_was_rolled_back_is_written_again(live_tenant: Tenant, message: Message) -> None:
    with connect(application="test") as plain:
        plain.execute("BEGIN")
        (xid,) = plain.execute("SELECT pg_current_xact_id()::text").fetchone()  # type: ignore[misc]
        plain.execute("ROLLBACK")

    class HeardNothing(Recorder):
        lost = False

        async def _try(self, batch):  # type: ignore[no-untyped-def]
            if not self.lost:
                self.lost = True
                raise CommitUnknown(Recorded(1, transaction=xid))
            return await super()._try(batch)

    recorder = HeardNothing(Database(conninfo(), application="lettershop recorder"))
    recorder.add(live_tenant.schema_name, hit(message, 0))
    asyncio.run(flushed(recorder))
    assert (recorder.counters.recorded, Event.objects.count()) == (1, 1)


def test_at_the_end_a_missing_database_costs_seconds_and_not_for_ever() -> None:
    recorder = Recorder(Database("postgresql://nobody@127.0.0.1:9/none", application="test"))
    recorder.add("acme", hit(Message(pk=1), 0))

    async def end() -> None:
        recorder.start()
        await recorder.stop(grace=0.2)

    asyncio.run(end())
    assert (recorder.counters.dropped, recorder.waiting) == (1, 0)


def test_a_fault_of_ours_costs_its_batch_and_not_the_recorder(live_tenant: Tenant, message: Message) -> None:
    recorder = Recorder(Database(conninfo(), application="lettershop recorder"))
    recorder.add("broken", Hit("no number", message.pk, 0, datetime.now(UTC)))  # type: ignore[arg-type]
    recorder.add("broken", Hit(EventKind.OPEN, message.pk, 0, "no time"))  # type: ignore[arg-type]
    recorder.add(live_tenant.schema_name, hit(message, 1))
    asyncio.run(flushed(recorder))
    assert (recorder.counters.recorded, recorder.counters.dropped, Event.objects.count()) == (1, 2, 1)
