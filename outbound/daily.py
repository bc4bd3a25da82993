"""What was sent and what happened, day by day: sums of the rows that are counted up as things are recorded."""

from dataclasses import dataclass, fields
from datetime import date

from django.db.models import Sum

from outbound.models import Daily


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
_SUMS = {f"sum_of_{name}": Sum(name, default=0) for name in _NAMES}


def counts_by_day(*, first: date, last: date) -> dict[date, DayCounts]:
    """The days (UTC) from `first` to `last` on which anything happened. One query."""
    rows = Daily.objects.filter(day__gte=first, day__lte=last).order_by().values_list("day").annotate(**_SUMS)
    return {day: DayCounts(*sums) for day, *sums in rows}


def counts_in_all(*, origin: str | None = None) -> DayCounts:
    """All days together, of all mail or of one origin ("campaign"). One query."""
    rows = Daily.objects.all() if origin is None else Daily.objects.filter(origin=origin)
    found = rows.aggregate(**_SUMS)
    return DayCounts(*(found[name] for name in _SUMS))
