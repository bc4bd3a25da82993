"""A campaign in figures."""

import strawberry

from api.graphql.scalars import Count
from campaigns.reports import Figures


@strawberry.type(description="Recipients by what became of them. opened, clicked, unsubscribed, complained: each once.")
class CampaignFigures:
    total: Count
    queued: Count
    sent: Count = strawberry.field(description="the provider took it")
    delivered: Count = strawberry.field(description="taken, and not bounced afterwards")
    confirmed: Count = strawberry.field(description="of whom the provider said that the mailbox took it")
    deferred: Count = strawberry.field(description="refused for now, tried again")
    bounced: Count = strawberry.field(description="hard and soft")
    bounced_hard: Count
    bounced_soft: Count
    failed: Count
    suppressed: Count
    cancelled: Count
    in_doubt: Count = strawberry.field(description="handed over, no answer: nobody knows")
    opened: Count
    clicked: Count
    unsubscribed: Count
    complained: Count
    opens: Count = strawberry.field(description="all of them, not recipients")
    clicks: Count = strawberry.field(description="all of them, not recipients")
    human_opened: Count = strawberry.field(description="of `opened`: by a person, no privacy proxy, no scanner")
    human_clicked: Count = strawberry.field(description="of `clicked`, likewise")


@strawberry.type(description="From 0 to 1; 0 where nothing was sent.")
class CampaignRates:
    delivery: float
    bounce: float
    open: float
    click: float
    human_open: float
    human_click: float
    click_to_open: float
    unsubscribe: float
    complaint: float


def figures_shown(figures: Figures) -> CampaignFigures:
    return CampaignFigures(
        total=Count(figures.total),
        queued=Count(figures.queued),
        sent=Count(figures.sent),
        delivered=Count(figures.delivered),
        confirmed=Count(figures.confirmed),
        deferred=Count(figures.deferred),
        bounced=Count(figures.bounced_hard + figures.bounced_soft),
        bounced_hard=Count(figures.bounced_hard),
        bounced_soft=Count(figures.bounced_soft),
        failed=Count(figures.failed),
        suppressed=Count(figures.suppressed),
        cancelled=Count(figures.cancelled),
        in_doubt=Count(figures.in_doubt),
        opened=Count(figures.opened),
        clicked=Count(figures.clicked),
        unsubscribed=Count(figures.unsubscribed),
        complained=Count(figures.complained),
        opens=Count(figures.opens),
        clicks=Count(figures.clicks),
        human_opened=Count(figures.human_opened),
        human_clicked=Count(figures.human_clicked),
    )


def rates_shown(figures: Figures) -> CampaignRates:
    return CampaignRates(
        delivery=round(figures.delivery_rate, 4),
        bounce=round(figures.bounce_rate, 4),
        open=round(figures.open_rate, 4),
        click=round(figures.click_rate, 4),
        human_open=round(figures.human_open_rate, 4),
        human_click=round(figures.human_click_rate, 4),
        click_to_open=round(figures.click_to_open_rate, 4),
        unsubscribe=round(figures.unsubscribe_rate, 4),
        complaint=round(figures.complaint_rate, 4),
    )
