"""A campaign in figures: a fixed number of queries over aggregates, whatever its size."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add

from campaigns.models import Campaign, CampaignPart
from outbound.reporting import Bounces, Counts, Hour, Tallied, bounces_of, clicks_of, counts_of, events_of, hours_of
from outbound.states import EventKind


@dataclass(frozen=True, slots=True)
class Figures:
    """Recipients, unless the name says otherwise. Rates are from 0 to 1, and 0 where nothing was sent.

    `delivered` are those whose mail the provider took and who did not bounce afterwards; `confirmed` those of
    whom the provider said that the mailbox took it, which not every provider does.
    """

    total: int = 0
    queued: int = 0
    sent: int = 0  # the provider took it
    delivered: int = 0
    confirmed: int = 0
    deferred: int = 0
    bounced_hard: int = 0
    bounced_soft: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0
    in_doubt: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    opens: int = 0  # events, not recipients
    clicks: int = 0  # events, not recipients
    human_opened: int = (
        0  # of `opened`, those of whom a person is known to have done it: not a privacy proxy, not a scanner
    )
    human_clicked: int = 0
    human_opens: int = 0  # events, not recipients
    human_clicks: int = 0  # events, not recipients

    @property
    def delivery_rate(self) -> float:
        """Of those who were tried with an outcome."""
        return _rate(self.delivered, self.delivered + self.bounced_hard + self.bounced_soft + self.failed)

    @property
    def bounce_rate(self) -> float:
        bounced = self.bounced_hard + self.bounced_soft
        return _rate(bounced, self.delivered + bounced + self.failed)

    @property
    def open_rate(self) -> float:
        return _rate(self.opened, self.delivered)

    @property
    def click_rate(self) -> float:
        return _rate(self.clicked, self.delivered)

    @property
    def human_open_rate(self) -> float:
        return _rate(self.human_opened, self.delivered)

    @property
    def human_click_rate(self) -> float:
        return _rate(self.human_clicked, self.delivered)

    @property
    def click_to_open_rate(self) -> float:
        return _rate(self.clicked, self.opened)

    @property
    def unsubscribe_rate(self) -> float:
        return _rate(self.unsubscribed, self.delivered)

    @property
    def complaint_rate(self) -> float:
        return _rate(self.complained, self.delivered)


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """A tracked link of one of the campaign's messages."""

    message_id: int
    number: int
    language: str
    url: str
    clicks: int
    uniques: int
    variant: str = ""  # its name; of the rest, the winner's
    human_clicks: int = 0  # of `clicks`, those by people
    human_uniques: int = 0


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """All there is to say about a campaign, apart from its single recipients."""

    campaign_id: int
    figures: Figures
    links: tuple[LinkFigures, ...]  # the most clicked first
    hours: tuple[Hour, ...]
    started_at: datetime | None
    finished_at: datetime | None
    error: str


def campaign_report(*, campaign: Campaign) -> CampaignReport:
    """Figures, links and events by the hour, as they are now. Six queries."""
    parts = list(CampaignPart.objects.filter(campaign=campaign).select_related("message", "variant"))
    ids = [part.message_id for part in parts]
    clicks = clicks_of(ids)
    started = [part.message.started_at for part in parts if part.message.started_at]
    finished = [part.message.finished_at for part in parts if part.message.finished_at]
    links = [link for part in parts for link in _links(part, clicks.get(part.message_id, {}))]
    return CampaignReport(
        campaign_id=campaign.pk,
        figures=_figures(ids, counts_of(ids), bounces_of(ids), events_of(ids)),
        links=tuple(sorted(links, key=lambda link: (-link.clicks, link.message_id, link.number))),
        hours=tuple(hours_of(ids)),
        started_at=min(started, default=None),
        finished_at=max(finished) if finished and len(finished) == len(parts) else None,
        error=campaign.error,
    )


def campaign_figures(*, campaign_ids: Iterable[int]) -> dict[int, Figures]:
    """The figures of many campaigns, for lists and statistics. Four queries."""
    wanted = list(campaign_ids)
    messages: dict[int, list[int]] = {campaign_id: [] for campaign_id in wanted}
    for campaign_id, message_id in CampaignPart.objects.filter(campaign_id__in=wanted).values_list(
        "campaign_id", "message_id"
    ):
        messages[campaign_id].append(message_id)
    return figures_of(messages)


def figures_of(groups: Mapping[int, list[int]]) -> dict[int, Figures]:
    """The figures of groups of messages, by the groups' keys. Three queries."""
    ids = [message_id for some in groups.values() for message_id in some]
    counts, bounces, events = counts_of(ids), bounces_of(ids), events_of(ids)
    return {key: _figures(some, counts, bounces, events) for key, some in groups.items()}


def _figures(
    ids: list[int],
    counts: Mapping[int, Counts],
    bounces: Mapping[int, Bounces],
    events: Mapping[int, Mapping[EventKind, Tallied]],
) -> Figures:
    count = reduce(add, (counts[each] for each in ids if each in counts), Counts())
    bounce = reduce(add, (bounces[each] for each in ids if each in bounces), Bounces())

    def told(kind: EventKind) -> Tallied:
        return reduce(add, (events[each].get(kind, Tallied()) for each in ids if each in events), Tallied())

    opened, clicked = told(EventKind.OPEN), told(EventKind.CLICK)
    # Bounces told at once were never sent; the others were, and came back.
    came_back = max(0, bounce.all - count.bounced)
    return Figures(
        total=count.total,
        queued=count.queued,
        sent=count.sent,
        delivered=max(0, count.sent - came_back),
        confirmed=told(EventKind.DELIVERY).uniques,
        deferred=count.deferred,
        bounced_hard=bounce.hard,
        bounced_soft=bounce.soft,
        failed=count.failed,
        suppressed=count.suppressed,
        cancelled=count.cancelled,
        in_doubt=count.in_doubt,
        opened=opened.uniques,
        clicked=clicked.uniques,
        unsubscribed=told(EventKind.UNSUBSCRIBE).uniques,
        complained=told(EventKind.COMPLAINT).uniques,
        opens=opened.count,
        clicks=clicked.count,
        human_opened=opened.human_uniques,
        human_clicked=clicked.human_uniques,
        human_opens=opened.human_count,
        human_clicks=clicked.human_count,
    )


def _links(part: CampaignPart, clicks: Mapping[int, Tallied]) -> list[LinkFigures]:
    return [
        LinkFigures(
            message_id=part.message_id,
            number=number,
            language=part.language,
            url=link["url"],
            clicks=told.count,
            uniques=told.uniques,
            variant=part.variant.name if part.variant else "",
            human_clicks=told.human_count,
            human_uniques=told.human_uniques,
        )
        for number, link in enumerate(part.message.links)
        for told in [clicks.get(number, Tallied())]
    ]


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
