"""Everything about a tenant on one page."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from campaigns.statistics.contacts import ContactStatistics, contact_statistics
from campaigns.statistics.events import EventStatistics, event_statistics
from campaigns.statistics.mailings import CampaignStatistics, RecentCampaign, campaign_statistics, recent_campaigns
from contacts.models import DataSource


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """Data sources by type."""

    total: int
    by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the other statistics say, the data sources, and the newest campaigns."""

    contacts: ContactStatistics
    campaigns: CampaignStatistics
    events: EventStatistics
    data_sources: SourceStatistics
    recent_campaigns: tuple[RecentCampaign, ...]


def tenant_overview() -> Overview:
    """A fixed number of queries, whatever there is."""
    return Overview(
        contacts=contact_statistics(),
        campaigns=campaign_statistics(),
        events=event_statistics(),
        data_sources=_sources(),
        recent_campaigns=recent_campaigns(),
    )


def _sources() -> SourceStatistics:
    found: dict[str, int] = dict(DataSource.objects.order_by().values_list("type").annotate(Count("pk")))
    return SourceStatistics(sum(found.values()), {kind.value: found.get(kind.value, 0) for kind in DataSource.Type})
