"""Figures about submitted messages: what waits, how fast it goes, how the providers do, and what was sent on which day.

Each call is one query that reads an index or the day's counts, never the messages one by one; only what waits is counted
row by row. Of mails there is one for each recipient. Nothing here is estimated: what was not measured is None.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.database import connection

# The newest messages that times and success are measured by: enough for a hundredth, few enough for some milliseconds.
MOST_MEASURED = 10_000
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Less than this share of a provider's newest messages well received, of at least so many: it is called degraded.
_DEGRADED_BELOW = 0.9
_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Mails by where they stand. The first four wait, the others are counted since the first day.

    `oldest`: since when the one is due that waits longest. `bounced`: refused at once; `came_back`: those of `sent` that were
    refused later. `in_doubt`: came into doubt; who turned out to have it is in `sent` too.
    """

    queued: int
    scheduled: int
    processing: int
    deferred: int
    oldest: datetime | None
    sent: int
    delivered: int
    bounced: int
    came_back: int
    failed: int
    suppressed: int
    cancelled: int
    in_doubt: int

    @property
    def waiting(self) -> int:
        return self.queued + self.scheduled + self.processing + self.deferred

    @property
    def total(self) -> int:
        """All that was ever taken in; those in doubt that were never cleared up are not among them."""
        return self.waiting + self.sent + self.bounced + self.failed + self.suppressed + self.cancelled


@dataclass(frozen=True, slots=True)
class ProcessingTimes:
    """Milliseconds from when a message was due (accepted, or its scheduled time) until its last recipient had an outcome:
    waiting, retries and the provider's answers included. None where nothing was finished."""

    measured: int
    average: float | None
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """A provider account and its share of the newest messages.

    `status`: "down" while nobody can reach it or it is switched off, "degraded" after an error or with many refusals, else
    "healthy". `sent` and `failed` are messages, by what became of them in the end; `success_rate` from 0 to 1.
    `average_processing` is ProcessingTimes.average of those it took. How long the provider itself took to answer is not kept.
    """

    provider_id: int
    name: str
    active: bool
    status: str
    sent: int
    failed: int
    success_rate: float | None
    average_processing: float | None
    last_error: str
    last_error_at: datetime | None
    down_since: datetime | None


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Mails of one day (UTC), by what was told on it. `bounced`: refused at once or later."""

    day: date
    sent: int
    delivered: int
    deferred: int
    bounced: int
    failed: int
    suppressed: int
    cancelled: int
    in_doubt: int
    opened: int
    clicked: int
    complained: int
    unsubscribed: int


def queue_figures() -> QueueFigures:
    """What waits now, and what became of all before. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE)
        return QueueFigures(*cursor.fetchone())


def processing_times(window: timedelta = HOUR) -> ProcessingTimes:
    """Of the messages finished within `window`, the newest 10,000 at most. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, {"seconds": window.total_seconds(), "most": MOST_MEASURED})
        return ProcessingTimes(*cursor.fetchone())


def finished_within(window: timedelta) -> int:
    """Messages whose last recipient had an outcome within `window`. One query, a step into an index."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISHED, [window.total_seconds()])
        return int(cursor.fetchone()[0])


def rate_per_minute() -> int:
    """Messages finished in the last minute."""
    return finished_within(timedelta(minutes=1))


def provider_figures(window: timedelta = DAY) -> list[ProviderFigures]:
    """Every provider account, by what became of the newest messages finished within `window`, 10,000 at most. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_PROVIDERS, {"seconds": window.total_seconds(), "most": MOST_MEASURED})
        return [_provider(*row) for row in cursor.fetchall()]


def send_statistics(first: date, last: date) -> list[DayFigures]:
    """The days (UTC) from `first` to `last` on which anything happened to single messages. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [first, last])
        return [DayFigures(*row) for row in cursor.fetchall()]


_QUEUE = """
SELECT q.*, d.* FROM (
    SELECT count(*) FILTER (WHERE batch_id IS NULL AND attempt = 1 AND due_at <= now()),
        count(*) FILTER (WHERE batch_id IS NULL AND attempt = 1 AND due_at > now()),
        count(*) FILTER (WHERE batch_id IS NOT NULL), count(*) FILTER (WHERE batch_id IS NULL AND attempt > 1),
        min(due_at) FILTER (WHERE due_at <= now())
    FROM outbound_queue
) q, (
    SELECT coalesce(sum(sent), 0)::bigint, coalesce(sum(confirmed), 0)::bigint,
        coalesce(sum(refused_hard + refused_soft), 0)::bigint, coalesce(sum(came_back), 0)::bigint,
        coalesce(sum(failed), 0)::bigint, coalesce(sum(suppressed), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
        coalesce(sum(in_doubt), 0)::bigint
    FROM outbound_daily WHERE origin = 'single'
) d
"""

_DAYS = """
SELECT day, sum(sent)::bigint, sum(confirmed)::bigint, sum(deferred)::bigint, sum(refused_hard + refused_soft + came_back)::bigint,
    sum(failed)::bigint, sum(suppressed)::bigint, sum(cancelled)::bigint, sum(in_doubt)::bigint, sum(opened)::bigint,
    sum(clicked)::bigint, sum(complained)::bigint, sum(unsubscribed)::bigint
FROM outbound_daily WHERE origin = 'single' AND day BETWEEN %s AND %s GROUP BY day ORDER BY day
"""

_TIMES = """
SELECT count(*), avg(t.ms)::float8, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms), percentile_cont(0.95) WITHIN GROUP (ORDER BY t.ms),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY t.ms)
FROM (
    SELECT (extract(epoch FROM s.processed_at - greatest(s.created_at, s.send_at)) * 1000)::float8 AS ms FROM outbound_submission s
    WHERE s.processed_at > now() - make_interval(secs => %(seconds)s) ORDER BY s.processed_at DESC LIMIT %(most)s
) t
"""

_FINISHED = "SELECT count(*) FROM outbound_submission WHERE processed_at > now() - make_interval(secs => %s)"

_PROVIDERS = """
WITH recent AS MATERIALIZED (
    SELECT s.provider_id, s.state, extract(epoch FROM s.processed_at - greatest(s.created_at, s.send_at)) * 1000 AS ms
    FROM outbound_submission s WHERE s.processed_at > now() - make_interval(secs => %(seconds)s) ORDER BY s.processed_at DESC LIMIT %(most)s
)
SELECT p.id, p.name, p.is_active, p.last_error, p.last_error_at, p.down_since,
    count(r.state) FILTER (WHERE r.state IN ('sent', 'delivered')), count(r.state) FILTER (WHERE r.state IN ('bounced', 'failed')),
    (avg(r.ms) FILTER (WHERE r.state IN ('sent', 'delivered')))::float8
FROM outbound_provideraccount p LEFT JOIN recent r ON r.provider_id = p.id GROUP BY p.id ORDER BY p.priority, p.id
"""


def _provider(
    provider_id: int, name: str, active: bool, error: str, error_at: datetime | None, down_since: datetime | None,
    sent: int, failed: int, processing: float | None,
) -> ProviderFigures:  # fmt: skip
    rate = sent / (sent + failed) if sent + failed else None
    if not active or down_since:
        status = "down"
    elif error or (rate is not None and rate < _DEGRADED_BELOW and sent + failed >= _ENOUGH):
        status = "degraded"
    else:
        status = "healthy"
    return ProviderFigures(
        provider_id, name, active, status, sent, failed, rate, processing, error, error_at, down_since
    )
