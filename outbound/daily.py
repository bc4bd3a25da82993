"""What was sent and what happened, day by day: sums of the rows that are counted up as things are recorded."""

from dataclasses import dataclass, fields
from datetime import date

from psycopg import sql

from common.database import connection


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Recipients, but for `deferred`, `opens` and `clicks`; what each means is said at outbound.models.Daily."""

    sent: int = 0
    deferred: int = 0
    refused_hard: int = 0
    refused_soft: int = 0
    failed: int = 0
    cancelled: int = 0
    suppressed: int = 0
    in_doubt: int = 0
    opens: int = 0
    opened: int = 0
    clicks: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    confirmed: int = 0
    bounced_hard: int = 0
    bounced_soft: int = 0
    blocked: int = 0
    came_back: int = 0
    human_opened: int = 0
    human_clicked: int = 0

    def __add__(self, other: "DayCounts") -> "DayCounts":
        return DayCounts(*(getattr(self, name) + getattr(other, name) for name in _NAMES))


_NAMES = tuple(field.name for field in fields(DayCounts))
# Written out: with so many columns the ORM takes longer to build the statement than the database to answer it.
_SUMS = sql.SQL(", ").join(sql.SQL("coalesce(sum({}), 0)::bigint").format(sql.Identifier(name)) for name in _NAMES)
_BY_DAY = sql.SQL("SELECT day, {} FROM outbound_daily WHERE day BETWEEN %s AND %s GROUP BY day").format(_SUMS)
_IN_ALL = sql.SQL("SELECT {} FROM outbound_daily WHERE %s::text IS NULL OR origin = %s").format(_SUMS)


def counts_by_day(*, first: date, last: date) -> dict[date, DayCounts]:
    """The days (UTC) from `first` to `last` on which anything happened. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, [first, last])
        return {day: DayCounts(*sums) for day, *sums in cursor.fetchall()}


def counts_in_all(*, origin: str | None = None) -> DayCounts:
    """All days together, of all mail or of one origin ("campaign"). One query."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_ALL, [origin, origin])
        return DayCounts(*cursor.fetchone())
