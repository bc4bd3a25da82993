"""All there is to say about one campaign, apart from its single recipients."""

from datetime import datetime

import strawberry

from api.graphql.scalars import Count
from api.graphql.types.figures import CampaignFigures, CampaignRates, figures_shown, rates_shown
from campaigns.reports import CampaignReport as Report
from campaigns.reports import LinkFigures
from outbound.reporting import Hour


@strawberry.type(description="A tracked link of one version of the mail.")
class CampaignLink:
    message_id: strawberry.ID
    number: int
    language: str
    variant: str = strawberry.field(description="its name; of the remainder, the winner's; empty without variants")
    url: str
    clicks: Count
    unique_clicks: Count


@strawberry.type(description="Events of one kind in the hour that begins at `hour`.")
class CampaignHour:
    hour: datetime
    event: str = strawberry.field(description="open, click, unsubscribe, bounce_hard, …")
    count: Count
    unique: Count


@strawberry.type(description="A campaign as it stands now.")
class CampaignReport:
    campaign_id: strawberry.ID
    figures: CampaignFigures
    rates: CampaignRates
    links: list[CampaignLink] = strawberry.field(description="the most clicked first")
    hours: list[CampaignHour]
    started_at: datetime | None
    finished_at: datetime | None
    error: str


def report_shown(report: Report) -> CampaignReport:
    return CampaignReport(
        campaign_id=strawberry.ID(str(report.campaign_id)),
        figures=figures_shown(report.figures),
        rates=rates_shown(report.figures),
        links=[_link(one) for one in report.links],
        hours=[_hour(one) for one in report.hours],
        started_at=report.started_at,
        finished_at=report.finished_at,
        error=report.error,
    )


def _link(link: LinkFigures) -> CampaignLink:
    return CampaignLink(
        message_id=strawberry.ID(str(link.message_id)),
        number=link.number,
        language=link.language,
        variant=link.variant,
        url=link.url,
        clicks=Count(link.clicks),
        unique_clicks=Count(link.uniques),
    )


def _hour(hour: Hour) -> CampaignHour:
    return CampaignHour(
        hour=hour.hour, event=hour.kind.name.lower(), count=Count(hour.count), unique=Count(hour.uniques)
    )
