"""What became of mail, with its rates. The same definitions as in a campaign's report (campaigns.reports.Figures)."""

from dataclasses import dataclass

from outbound.daily import DayCounts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Recipients. Rates are from 0 to 1, and 0 where there is nothing to divide by.

    `delivered` are those whose mail the provider took, less those who came back. What is told later counts on the
    day it is told: on a single day more may come back or be opened than was sent on it. Then `delivered` is 0, and
    no rate is above 1.
    """

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    failed: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    tried: int = 0  # taken, refused for good, or given up

    @property
    def delivery_rate(self) -> float:
        return rate(self.delivered, self.tried)

    @property
    def bounce_rate(self) -> float:
        return rate(self.bounced, self.tried)

    @property
    def open_rate(self) -> float:
        return rate(self.opened, self.delivered)

    @property
    def click_rate(self) -> float:
        return rate(self.clicked, self.delivered)

    @property
    def click_to_open_rate(self) -> float:
        return rate(self.clicked, self.opened)

    @property
    def unsubscribe_rate(self) -> float:
        return rate(self.unsubscribed, self.delivered)

    @property
    def complaint_rate(self) -> float:
        return rate(self.complained, self.delivered)


def outcomes_of(counts: DayCounts) -> Outcomes:
    """The counts of a day, or of many together."""
    refused = counts.refused_hard + counts.refused_soft
    return Outcomes(
        sent=counts.sent,
        delivered=max(0, counts.sent - counts.came_back),
        bounced=refused + counts.came_back,
        failed=counts.failed,
        opened=counts.opened,
        clicked=counts.clicked,
        unsubscribed=counts.unsubscribed,
        complained=counts.complained,
        tried=counts.sent + refused + counts.failed,
    )


def rate(part: int, whole: int) -> float:
    """A share from 0 to 1; 0 of nothing."""
    return min(1.0, part / whole) if whole else 0.0
