"""The clean-up: what is over goes, what waits stays, and a dry run tells the truth beforehand."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import transaction

from common.database import connection, conninfo
from outbound.models import Message
from outbound.partitions import PARTITIONED
from outbound.recording import record_hits
from outbound.recording.hits import Hit
from outbound.services import cleanup
from outbound.services.cleanup import Cleaned, CleanupOrder, DatedTable, clean_up
from outbound.states import EventKind, RecipientState
from outbound.submission.changing import retry_submission
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.outbound.cleanup_cast import left, move_back, partitions_of, sent_long_ago
from tests.outbound.submission_cast import row, submitted


@pytest.fixture(autouse=True)
def _no_old_months(live_tenant: Tenant) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.tenants_waitingmail")


def order(**given: Any) -> CleanupOrder:
    return CleanupOrder(**{"before": datetime.now(UTC) - timedelta(days=90), **given})


def counted(tenant: Tenant, asked: CleanupOrder) -> Cleaned:
    return clean_up(replace(asked, dry_run=True), [tenant], seconds=30)


def done(tenant: Tenant, asked: CleanupOrder) -> Cleaned:
    return clean_up(asked, [tenant], seconds=30)


def test_what_is_old_and_over_goes_with_all_that_was_recorded_of_it(live_tenant: Tenant) -> None:
    old, young = sent_long_ago(100, opens=3), sent_long_ago(80, opens=2)
    assert counted(live_tenant, order()) == done(live_tenant, order())
    assert left(old) == {}
    assert left(young) == {
        "submission": 1, "recipient": 1, "event": 2, "engagement": 1, "message": 1, "tally": 1,
    }  # fmt: skip


def test_a_dry_run_counts_what_a_real_one_deletes_and_deletes_nothing(live_tenant: Tenant) -> None:
    days = [91, 95, 100, 130, 131, 200, 400]
    old = [sent_long_ago(age, opens=number) for number, age in enumerate(days)]
    sent_long_ago(30, opens=9)
    first = counted(live_tenant, order())
    assert (first.messages, first.recipient_events) == (7, sum(range(7)))
    assert all(left(message) for message in old)
    real = done(live_tenant, order())
    assert real == first
    assert not any(left(message) for message in old)
    assert done(live_tenant, order()) == Cleaned()


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        ({"sent": True, "failed": False}, {RecipientState.SENT, RecipientState.DELIVERED}),
        (
            {"sent": False, "failed": True},
            {
                RecipientState.BOUNCED_HARD,
                RecipientState.FAILED,
                RecipientState.CANCELLED,
                RecipientState.IN_DOUBT,
            },
        ),
        ({"sent": False, "failed": False}, set()),
    ],
)
def test_sent_ones_and_failed_ones_are_asked_for_apart(
    live_tenant: Tenant, asked: dict[str, bool], gone: set[RecipientState]
) -> None:
    states = (
        RecipientState.SENT,
        RecipientState.DELIVERED,
        RecipientState.BOUNCED_HARD,
        RecipientState.FAILED,
        RecipientState.CANCELLED,
        RecipientState.IN_DOUBT,
    )
    made = {state: sent_long_ago(100, state) for state in states}
    first = counted(live_tenant, order(**asked))
    assert first == done(live_tenant, order(**asked))
    assert first.messages == len(gone)
    assert {state for state, message in made.items() if not left(message)} == gone


def test_messages_that_wait_are_never_deleted_however_old(live_tenant: Tenant) -> None:
    waiting = submitted().message_id
    month = move_back(waiting, 400)
    again = sent_long_ago(400, RecipientState.FAILED)
    retry_submission(again)
    over = sent_long_ago(400)
    assert counted(live_tenant, order()).messages == 1
    assert done(live_tenant, order()).messages == 1
    assert left(waiting)["submission"] == 1
    assert left(again)["submission"] == 1
    assert left(over) == {}
    assert row("SELECT count(*) FROM outbound_queue") == (2,)
    assert "outbound_submission" in partitions_of(month)


def test_a_month_of_which_nothing_is_kept_is_dropped_and_its_room_given_back(live_tenant: Tenant) -> None:
    old = sent_long_ago(400, opens=2)
    month = Message.objects.get(pk=old).month
    assert partitions_of(month) == set(PARTITIONED)
    first = counted(live_tenant, order())
    size = row(
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'live' AND c.relkind = 'r' AND right(c.relname, 7) = %s",
        f"_{month:%Y%m}",
    )[0]
    real = done(live_tenant, order())
    assert real == first
    assert real.freed_bytes == size > 0
    assert partitions_of(month) == set()
    assert not Message.objects.filter(month=month).exists()


def test_a_month_with_a_campaign_keeps_the_campaigns_rows(live_tenant: Tenant) -> None:
    old = sent_long_ago(400, opens=2)
    month = Message.objects.get(pk=old).month
    campaign = Message.objects.create(origin="campaign:1", month=month, content={}, stamp={}, total=1, state="finished")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, at)"
            " VALUES (%s, %s, 0, 1, 3, now())",
            [month, campaign.pk],
        )
        hits = [Hit(EventKind.OPEN, campaign.pk, 0, datetime.now(UTC))]
        record_hits(cursor, schema="live", hits=hits)
    first = counted(live_tenant, order())
    assert (first.messages, first.recipient_events) == (1, 2)
    assert first == done(live_tenant, order())
    assert left(old) == {}
    assert left(campaign.pk) == {"message": 1, "recipient": 1, "event": 1, "engagement": 1, "tally": 1}
    assert partitions_of(month) == set(PARTITIONED) - {"outbound_submission", "outbound_attachment"}


def test_an_open_of_a_message_that_is_gone_harms_nobody(live_tenant: Tenant) -> None:
    gone, other = sent_long_ago(400), sent_long_ago(1)
    done(live_tenant, order())
    now = datetime.now(UTC)
    hits = [Hit(EventKind.OPEN, gone, 0, now), Hit(EventKind.OPEN, other, 0, now)]
    with transaction.atomic(), connection.cursor() as cursor:
        recorded = record_hits(cursor, schema="live", hits=hits)
    assert (recorded.recorded, recorded.unknown) == (1, 1)


def test_what_somebody_is_at_work_on_is_left_for_the_next_time(live_tenant: Tenant) -> None:
    # In the middle of a month, so that its rows go one by one and not as a partition.
    before = (datetime.now(UTC) - timedelta(days=120)).replace(day=15, hour=0)
    days = (datetime.now(UTC) - before).days + 5
    held, free = sent_long_ago(days), sent_long_ago(days)
    with psycopg.connect(conninfo()) as another:
        another.execute("SELECT 1 FROM live.outbound_message WHERE id = %s FOR UPDATE", [held])
        assert done(live_tenant, order(before=before)).messages == 1
        assert (left(held)["submission"], left(free)) == (1, {})
        another.rollback()
    assert done(live_tenant, order(before=before)).messages == 1
    assert left(held) == {}


def test_a_month_that_somebody_reads_for_long_is_emptied_row_by_row(
    live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_LOCK_MILLISECONDS", 50)
    old = sent_long_ago(400)
    month = Message.objects.get(pk=old).month
    with psycopg.connect(conninfo()) as another:
        another.execute("SELECT count(*) FROM live.outbound_submission")
        real = done(live_tenant, order())
        another.rollback()
    assert (real.messages, real.freed_bytes) == (1, 0)
    assert left(old) == {}
    assert done(live_tenant, order()).messages == 0
    assert partitions_of(month) == set()


def test_what_an_interrupted_clean_up_left_goes_the_next_time(live_tenant: Tenant) -> None:
    old = sent_long_ago(400, opens=2)
    month = Message.objects.get(pk=old).month
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE live.outbound_submission_{month:%Y%m}")
    first = counted(live_tenant, order())
    assert (first.messages, first.recipient_events) == (0, 2)
    done(live_tenant, order())
    assert left(old) == {}


def test_it_ends_when_its_time_is_over_and_says_so(live_tenant: Tenant) -> None:
    sent_long_ago(100)
    assert clean_up(order(), [live_tenant], seconds=0) == Cleaned(complete=False)
    assert counted(live_tenant, order()).messages == 1


def test_many_go_in_batches(live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 3)
    old = [sent_long_ago(95, opens=1) for _ in range(8)]
    waiting = submitted().message_id
    move_back(waiting, 95)
    first = counted(live_tenant, order())
    assert first.messages == 8
    assert done(live_tenant, order()) == first
    assert not any(left(message) for message in old)


def test_webhook_records_go_by_their_age(live_tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_news (at, kind, month, message_id, position)"
            " SELECT now() - make_interval(days => d), 'sent', date '2026-01-01', 1, 0 FROM unnest(ARRAY[1, 89, 91, 200]) AS d"
        )
        cursor.execute(
            "INSERT INTO ledger_hookevent (source, key, received_at)"
            " SELECT 'generic', decode(to_hex(d + 4096), 'hex'), now() - make_interval(days => d) FROM unnest(ARRAY[1, 5, 95]) AS d"
        )
    asked = order(dated=(DatedTable("ledger_hookevent", "received_at", days=7),))
    assert counted(live_tenant, asked).webhook_events == 3
    assert done(live_tenant, asked).webhook_events == 3
    soon = replace(asked, before=datetime.now(UTC) - timedelta(days=2))
    assert done(live_tenant, soon).webhook_events == 1
    assert row("SELECT count(*) FROM ledger_hookevent") == (2,)


def test_other_tenants_are_left_alone(live_tenant: Tenant) -> None:
    old = sent_long_ago(100)
    globex = Tenant.objects.get(slug="globex")
    assert clean_up(order(), [globex], seconds=30).messages == 0
    assert left(old)
    assert connection.schema_name == "live"


def test_two_clean_ups_at_once_delete_each_message_once(live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for _ in range(10):
        sent_long_ago(95)
    move_back(submitted().message_id, 95)
    found: list[Cleaned] = []

    def work() -> None:
        with tenant_scope(live_tenant):
            found.append(done(live_tenant, order()))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.messages for one in found) == 10
