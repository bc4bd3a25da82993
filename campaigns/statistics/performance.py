"""Mail day by day."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from campaigns.statistics.outcomes import Outcomes, outcomes_of
from common.errors import InvalidInput
from outbound.daily import DayCounts, counts_by_day

MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Performance:
    """The days (UTC) in order, the last one is today; those without mail are all zeros. `totals` is their sum."""

    days: tuple[Day, ...]
    totals: Outcomes


def performance_of(*, days: int) -> Performance:
    """The last `days` days, today being one of them. One query. Raises InvalidInput unless it is from 1 to 365."""
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"The number of days is from 1 to {MOST_DAYS}.", field="days")
    last = timezone.now().date()
    first = last - timedelta(days=days - 1)
    found = counts_by_day(first=first, last=last)
    dates = [first + timedelta(days=number) for number in range(days)]
    return Performance(
        days=tuple(Day(each, outcomes_of(found.get(each, DayCounts()))) for each in dates),
        totals=outcomes_of(sum(found.values(), DayCounts())),
    )
