"""What happened to a tenant's mail, by type."""

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.statistics.outcomes import Outcomes, outcomes_of, rate
from outbound.daily import DayCounts, counts_in_all


@dataclass(frozen=True, slots=True)
class EventStatistics:
    """All mail of all time. Bounces told at once and told later are together; opens and clicks are every single one."""

    by_type: Mapping[str, int]
    unique_opens: int
    unique_clicks: int
    hard_bounce_rate: float
    outcomes: Outcomes

    @property
    def total(self) -> int:
        return sum(self.by_type.values())


def event_statistics() -> EventStatistics:
    """One query."""
    counts = counts_in_all()
    outcomes = outcomes_of(counts)
    by_type = _by_type(counts)
    return EventStatistics(
        by_type=by_type,
        unique_opens=counts.opened,
        unique_clicks=counts.clicked,
        hard_bounce_rate=rate(by_type["hard_bounce"], outcomes.tried),
        outcomes=outcomes,
    )


def _by_type(counts: DayCounts) -> dict[str, int]:
    return {
        "sent": counts.sent,
        "delivery": counts.confirmed,
        "deferral": counts.deferred,
        "hard_bounce": counts.refused_hard + counts.bounced_hard,
        "soft_bounce": counts.refused_soft + counts.bounced_soft,
        "block": counts.blocked,
        "failure": counts.failed,
        "suppression": counts.suppressed,
        "cancellation": counts.cancelled,
        "in_doubt": counts.in_doubt,
        "open": counts.opens,
        "click": counts.clicks,
        "unsubscribe": counts.unsubscribed,
        "complaint": counts.complained,
    }
