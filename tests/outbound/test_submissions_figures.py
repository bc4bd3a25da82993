"""Figures about submitted messages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outbound.events import record_event
from outbound.models import ProviderAccount
from outbound.states import EventKind, RecipientState
from outbound.submission.changing import cancel_submission, retry_submission
from outbound.submission.figures import (
    finished_within,
    processing_times,
    provider_figures,
    queue_figures,
    rate_per_minute,
    send_statistics,
)
from tenants.models import Tenant
from tests.outbound.submission_cast import able_to_send, defer, end, later, people, submitted, take

FAILED, SENT, HARD = RecipientState.FAILED, RecipientState.SENT, RecipientState.BOUNCED_HARD


def finished(message_id: int, *, seconds_ago: int, took: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET processed_at = now() - make_interval(secs => %s),"
            " created_at = now() - make_interval(secs => %s) WHERE message_id = %s",
            [seconds_ago, seconds_ago + took, message_id],
        )


def test_every_mail_stands_somewhere_and_the_figures_add_up(acme: Tenant) -> None:
    able_to_send()
    assert queue_figures().total == 0
    submitted(cc=people("bob@example.com"))
    submitted(send_at=later())
    held, tried, sent, refused, failed, gone = (submitted().message_id for _ in range(6))
    take(held)
    defer(tried)
    end(sent, SENT)
    end(refused, HARD)
    end(failed, FAILED)
    cancel_submission(gone)
    figures = queue_figures()
    assert (figures.queued, figures.scheduled, figures.processing, figures.deferred) == (2, 1, 1, 1)
    assert (figures.sent, figures.bounced, figures.failed, figures.cancelled) == (1, 1, 1, 1)
    assert (figures.waiting, figures.total) == (5, 9)
    assert figures.oldest is not None
    retry_submission(failed)
    assert (queue_figures().failed, queue_figures().total) == (0, 9)


def test_what_was_told_later_is_in_the_figures(acme: Tenant) -> None:
    for kind in (EventKind.DELIVERY, EventKind.BOUNCE_HARD):
        done = submitted().message_id
        end(done, SENT)
        record_event(kind=kind, message_id=done, position=0)
    figures = queue_figures()
    assert (figures.sent, figures.delivered, figures.came_back, figures.bounced) == (2, 1, 1, 0)


def test_times_are_measured_from_when_a_message_was_due(acme: Tenant) -> None:
    assert processing_times() == type(processing_times())(0, None, None, None, None)
    ids = [submitted().message_id for _ in range(5)]
    for message_id, took in zip(ids, (1, 2, 3, 4, 10), strict=True):
        end(message_id, SENT)
        finished(message_id, seconds_ago=30, took=took)
    times = processing_times()
    assert (times.measured, times.average, times.p50) == (5, 4000, 3000)
    assert times.p95 == pytest.approx(8800)
    assert times.p99 == pytest.approx(9760)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbound_submission SET send_at = processed_at - interval '1 second'")
    assert processing_times().average == 1000
    assert processing_times(timedelta(seconds=10)).measured == 0


def test_the_rate_is_that_of_the_last_minute(acme: Tenant) -> None:
    for seconds in (1, 30, 90):
        done = submitted().message_id
        end(done, SENT)
        finished(done, seconds_ago=seconds, took=1)
    submitted()
    assert rate_per_minute() == 2
    assert finished_within(timedelta(minutes=2)) == 3


def test_providers_are_judged_by_their_newest_messages(acme: Tenant) -> None:
    able_to_send()
    (idle,) = provider_figures()
    assert (idle.status, idle.success_rate, idle.average_processing) == ("healthy", None, None)
    for state in (SENT, SENT, SENT, FAILED):
        done = submitted().message_id
        end(done, state)
        finished(done, seconds_ago=5, took=2)
    (one,) = provider_figures()
    assert (one.name, one.active, one.sent, one.failed, one.success_rate) == ("Relay", True, 3, 1, 0.75)
    assert (one.status, one.average_processing) == ("healthy", 2000)
    for change, status in (({"last_error": "421 busy"}, "degraded"), ({"is_active": False}, "down")):
        ProviderAccount.objects.update(**change)
        assert provider_figures()[0].status == status
    ProviderAccount.objects.update(is_active=True, last_error="", down_since=datetime.now(UTC))
    assert provider_figures()[0].status == "down"


def test_a_provider_that_refuses_much_is_degraded(acme: Tenant) -> None:
    for n in range(20):
        end(submitted().message_id, HARD if n < 4 else SENT)
    assert provider_figures()[0].status == "degraded"


def test_statistics_are_by_day_and_of_single_messages_only(acme: Tenant) -> None:
    today = datetime.now(UTC).date()
    end(submitted(cc=people("bob@example.com")).message_id, SENT, HARD)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_daily (day, origin, slot, sent) VALUES (%s, 'campaign', 0, 5), (%s, 'single', 0, 7)",
            [today, today - timedelta(days=2)],
        )
    days = send_statistics(today - timedelta(days=2), today)
    assert [(one.day, one.sent, one.bounced) for one in days] == [(today - timedelta(days=2), 7, 0), (today, 1, 1)]
    assert send_statistics(today - timedelta(days=9), today - timedelta(days=3)) == []


def test_each_figure_is_one_query(acme: Tenant) -> None:
    submitted()
    today = datetime.now(UTC).date()
    for ask in (
        queue_figures,
        processing_times,
        rate_per_minute,
        provider_figures,
        lambda: send_statistics(today, today),
    ):
        with CaptureQueriesContext(connection) as queries:
            ask()
        assert len(queries) == 1
