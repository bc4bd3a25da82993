"""What became of messages, from aggregates: chunks and tallies. Each function is one query, for any number of messages."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from django.db.models import Sum

from common.database import connection
from outbound.models import Tally
from outbound.states import EventKind

# Chunks of later attempts hold recipients that an earlier chunk counted as deferred: once they have an outcome
# there, they are not deferred any more.
_COUNTS = """
SELECT m.id, m.total, c.sent, c.deferred, c.bounced, c.failed, c.suppressed, c.in_doubt, c.cancelled
FROM outbound_message m CROSS JOIN LATERAL (
    SELECT coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(bounced), 0)::bigint AS bounced,
        coalesce(sum(deferred), 0)::bigint - coalesce(sum(done) FILTER (WHERE attempt > 1), 0)::bigint AS deferred,
        coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(suppressed), 0)::bigint AS suppressed,
        coalesce(sum(in_doubt), 0)::bigint AS in_doubt, coalesce(sum(cancelled), 0)::bigint AS cancelled
    FROM outbound_chunk WHERE message_id = m.id
) c WHERE m.id = ANY(%s)
"""

# The index on unusual states holds these few rows; it is read without touching the table.
_BOUNCES = """
SELECT r.message_id, r.state, count(*) FROM outbound_message m
JOIN outbound_recipient r ON r.month = m.month AND r.message_id = m.id AND r.state IN (5, 6, 11)
WHERE m.id = ANY(%s) GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Recipients of messages by what the sender knows of them. They add up to `total`."""

    total: int = 0
    sent: int = 0  # the provider took it, whatever it told later
    deferred: int = 0  # refused for now: waiting to be tried again, or being tried
    bounced: int = 0  # refused for good by the provider's server, in its reply
    failed: int = 0
    suppressed: int = 0
    in_doubt: int = 0
    cancelled: int = 0

    @property
    def queued(self) -> int:
        """Not tried yet."""
        known = self.sent + self.deferred + self.bounced + self.failed
        return max(0, self.total - known - self.suppressed - self.in_doubt - self.cancelled)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Bounces:
    """Recipients by how they were lost, told at once or days later."""

    hard: int = 0
    soft: int = 0
    complained: int = 0

    @property
    def all(self) -> int:
        return self.hard + self.soft

    def __add__(self, other: "Bounces") -> "Bounces":
        return Bounces(self.hard + other.hard, self.soft + other.soft, self.complained + other.complained)


@dataclass(frozen=True, slots=True)
class Tallied:
    """Events: all of them, and the recipients they came from; of both, what is known to be done by people (opens, clicks)."""

    count: int = 0
    uniques: int = 0
    human_count: int = 0
    human_uniques: int = 0

    def __add__(self, other: "Tallied") -> "Tallied":
        return Tallied(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


_TALLIED = [Sum(field.name) for field in fields(Tallied)]


@dataclass(frozen=True, slots=True)
class Hour:
    """Events of one kind in the hour that begins at `hour` (UTC)."""

    hour: datetime
    kind: EventKind
    count: int
    uniques: int


def counts_of(message_ids: Iterable[int]) -> dict[int, Counts]:
    """Counts by message. Messages that do not exist are left out."""
    return {row[0]: Counts(*row[1:]) for row in _rows(_COUNTS, message_ids)}


def bounces_of(message_ids: Iterable[int]) -> dict[int, Bounces]:
    """Bounces by message; one without any is left out."""
    found: dict[int, dict[int, int]] = {}
    for message_id, state, count in _rows(_BOUNCES, message_ids):
        found.setdefault(message_id, {})[state] = count
    return {
        message_id: Bounces(hard=by.get(5, 0), soft=by.get(6, 0), complained=by.get(11, 0))
        for message_id, by in found.items()
    }


def events_of(message_ids: Iterable[int]) -> dict[int, dict[EventKind, Tallied]]:
    """All events by message and kind."""
    rows = Tally.objects.filter(message_id__in=list(message_ids), link=-1).values_list("message_id", "kind")
    found: dict[int, dict[EventKind, Tallied]] = {}
    for message_id, kind, *sums in rows.annotate(*_TALLIED).order_by():
        found.setdefault(message_id, {})[EventKind(kind)] = Tallied(*sums)
    return found


def clicks_of(message_ids: Iterable[int]) -> dict[int, dict[int, Tallied]]:
    """Clicks by message and number of the link; a link that nobody clicked is left out."""
    rows = Tally.objects.filter(message_id__in=list(message_ids), kind=EventKind.CLICK, link__gte=0)
    found: dict[int, dict[int, Tallied]] = {}
    for message_id, link, *sums in rows.values_list("message_id", "link").annotate(*_TALLIED).order_by():
        found.setdefault(message_id, {})[link] = Tallied(*sums)
    return found


def hours_of(message_ids: Iterable[int]) -> list[Hour]:
    """Events of these messages together, hour by hour; hours in which nothing happened are left out."""
    rows = Tally.objects.filter(message_id__in=list(message_ids), link=-1).values_list("hour", "kind")
    summed = rows.annotate(Sum("count"), Sum("uniques")).order_by("hour", "kind")
    return [Hour(hour, EventKind(kind), count, uniques) for hour, kind, count, uniques in summed]


def _rows(query: str, message_ids: Iterable[int]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [list(message_ids)])
        return list(cursor.fetchall())
