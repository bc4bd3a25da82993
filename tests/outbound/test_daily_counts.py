"""What was sent and what happened is counted by the day, once, whoever records it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from common.database import connection
from outbound.daily import DayCounts, counts_by_day, counts_in_all
from outbound.engine.store import Progress, Store
from outbound.engine.types import Job, Unusual
from outbound.events import record_events
from outbound.models import Daily, Message
from outbound.recording import Hit
from outbound.services import cancel_message, work_on
from outbound.states import EventKind, RecipientState
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider, make_contacts, make_due, start_mailing
from tests.outbound.recipients import NOON, sent_message

KIND = EventKind


def record(message: Message, *hits: tuple[int, int], days: int = 0) -> None:
    record_events([Hit(kind, message.pk, position, NOON + timedelta(days=days)) for kind, position in hits])


def all_days() -> dict[date, DayCounts]:
    return counts_by_day(first=date(2000, 1, 1), last=date(3000, 1, 1))


def test_events_count_on_the_day_they_happened(acme: Tenant) -> None:
    message = sent_message(6)
    record(message, (KIND.OPEN, 0), (KIND.OPEN, 0), (KIND.OPEN, 1), (KIND.CLICK, 0), (KIND.DELIVERY, 5))
    record(message, (KIND.OPEN, 0), (KIND.OPEN, 2), (KIND.UNSUBSCRIBE, 1), (KIND.COMPLAINT, 2), days=1)
    first, second = NOON.date(), NOON.date() + timedelta(days=1)
    assert all_days() == {
        first: DayCounts(opens=3, opened=2, clicks=1, clicked=1, confirmed=1),
        second: DayCounts(opens=2, opened=1, unsubscribed=1, complained=1),
    }
    assert counts_by_day(first=second, last=second) == {second: all_days()[second]}
    assert counts_in_all() == all_days()[first] + all_days()[second]


def test_a_click_on_a_link_is_one_click(acme: Tenant) -> None:
    message = sent_message(2, links=[{"url": "https://a.example/"}])
    record_events([Hit(KIND.CLICK, message.pk, 0, NOON, 0), Hit(KIND.CLICK, message.pk, 0, NOON, 0)])
    assert counts_in_all() == DayCounts(clicks=2, clicked=1)


def test_who_bounces_twice_came_back_once(acme: Tenant) -> None:
    message = sent_message(4)
    record(message, (KIND.BOUNCE_SOFT, 0), (KIND.BOUNCE_HARD, 0), (KIND.BLOCK, 1))
    record(message, (KIND.BOUNCE_SOFT, 0), (KIND.BOUNCE_HARD, 1), (KIND.BOUNCE_SOFT, 2), days=1)
    assert counts_in_all() == DayCounts(bounced_hard=2, bounced_soft=2, blocked=1, came_back=3)
    assert all_days()[NOON.date()].came_back == 2


def test_what_is_told_twice_counts_once(acme: Tenant) -> None:
    message = sent_message(2)
    for _ in range(2):
        record(message, (KIND.COMPLAINT, 0), (KIND.UNSUBSCRIBE, 0), (KIND.DELIVERY, 0))
    assert counts_in_all() == DayCounts(complained=1, unsubscribed=1, confirmed=1)


def test_mail_of_different_origins_is_told_apart(acme: Tenant) -> None:
    campaign, other = sent_message(2), sent_message(2)
    Message.objects.filter(pk=campaign.pk).update(origin="campaign:42")
    record_events([Hit(KIND.OPEN, message.pk, 0, NOON) for message in (campaign, other)])
    assert counts_in_all(origin="campaign").opened == 1
    assert counts_in_all().opened == 2


def test_an_event_that_settles_a_doubt_counts_the_mail_as_sent(acme: Tenant) -> None:
    message = sent_message(3, state=RecipientState.IN_DOUBT)
    record(message, (KIND.OPEN, 1))
    record(message, (KIND.OPEN, 1))
    assert counts_in_all() == DayCounts(sent=1, opens=2, opened=1)


def test_another_tenant_has_counts_of_its_own(acme: Tenant, globex: Tenant) -> None:
    record(sent_message(2), (KIND.OPEN, 0))
    connection.set_tenant(globex)
    assert counts_in_all() == DayCounts()
    assert all_days() == {}


def test_sums_are_one_query(acme: Tenant, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    for days in range(3):
        record(sent_message(1), (KIND.OPEN, 0), days=days)
    with django_assert_num_queries(1):
        counts_in_all()
    with django_assert_num_queries(1):
        assert len(all_days()) == 3


@pytest.mark.usefixtures("live_tenant")
def test_the_engine_counts_every_outcome_as_it_records_it() -> None:
    make_contacts(40)
    seen: set[str] = set()

    def answer(verb: str, argument: str) -> str | None:
        if verb != "RCPT":
            return None
        if "user3@" in argument:
            return "550 5.1.1 no such user"
        if "user4@" in argument:
            return "552 5.2.2 mailbox full"
        if "user5@" in argument and argument not in seen:
            seen.add(argument)
            return "451 4.7.1 come back"
        return None

    with Provider(answer) as provider:
        message = start_mailing(provider.account())
        work_on(message.pk, stop=lambda: False, slice_seconds=20)
        assert counts_in_all() == DayCounts(sent=37, deferred=1, refused_hard=1, refused_soft=1)
        make_due(message)
        work_on(message.pk, stop=lambda: False, slice_seconds=20)
    assert counts_in_all() == DayCounts(sent=38, deferred=1, refused_hard=1, refused_soft=1)
    assert list(all_days()) == [timezone.now().date()]
    assert all(row.slot < 4 and row.origin == "test" for row in Daily.objects.all())


@pytest.mark.usefixtures("live_tenant")
def test_who_was_cancelled_before_the_turn_is_counted_as_that() -> None:
    make_contacts(10)
    with Provider() as provider:
        message = start_mailing(provider.account())
        cancel_message(message)
        work_on(message.pk, stop=lambda: False, slice_seconds=20)
    assert counts_in_all() == DayCounts(cancelled=10)


def test_a_flush_that_is_sent_again_counts_nothing_twice(live_tenant: Tenant) -> None:
    make_contacts(20)
    with Provider() as provider:
        message = start_mailing(provider.account())
    job = Job(live_tenant.schema_name, live_tenant.pk, message.pk, message.month)
    store = Store(
        job, owner="me", fields=(), marketing=True, journal_dir=Path(settings.ENGINE_JOURNAL_DIR), lease_seconds=20.0
    )
    try:
        lease = store.take(window=1000)
        assert lease is not None
        unusual = [Unusual(3, RecipientState.FAILED, None, "its time ran out")]
        progress = [Progress(lease, lease.counts.plus(2, unusual), lease.watermark, False, [0, 1], unusual)]
        store.flush(progress)
        store.flush(progress)
    finally:
        store.close()
    assert counts_in_all() == DayCounts(sent=2, failed=1)
