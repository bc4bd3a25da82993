"""A tenant's campaigns in figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from campaigns.models import Campaign
from campaigns.reports import Figures, campaign_figures
from campaigns.statistics.outcomes import Outcomes, outcomes_of
from outbound.daily import counts_in_all

_RECENT = 5


@dataclass(frozen=True, slots=True)
class CampaignStatistics:
    """Campaigns by state, and what became of the mail of all of them."""

    total: int
    by_status: Mapping[str, int]
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class RecentCampaign:
    """One of the newest campaigns, with the figures of its report."""

    id: int
    name: str
    status: str
    created_at: datetime
    figures: Figures


def campaign_statistics() -> CampaignStatistics:
    """Two queries, whatever there is."""
    states = Campaign.objects.order_by().values_list("state").annotate(Count("pk"))
    found: dict[str, int] = dict(states)
    return CampaignStatistics(
        total=sum(found.values()),
        by_status={state.value: found.get(state.value, 0) for state in Campaign.State},
        outcomes=outcomes_of(counts_in_all(origin="campaign")),
    )


def recent_campaigns() -> tuple[RecentCampaign, ...]:
    """The newest five. Five queries."""
    campaigns = list(Campaign.objects.order_by("-id").only("name", "state", "created_at")[:_RECENT])
    figures = campaign_figures(campaign_ids=[campaign.pk for campaign in campaigns])
    return tuple(
        RecentCampaign(campaign.pk, campaign.name, campaign.state, campaign.created_at, figures[campaign.pk])
        for campaign in campaigns
    )
