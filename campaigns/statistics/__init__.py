"""A tenant in figures: contacts, campaigns, events, days. From counts that are kept as things happen."""

from campaigns.statistics.contacts import ContactStatistics, contact_statistics
from campaigns.statistics.events import EventStatistics, event_statistics
from campaigns.statistics.mailings import CampaignStatistics, campaign_statistics
from campaigns.statistics.outcomes import Outcomes
from campaigns.statistics.overview import Overview, tenant_overview
from campaigns.statistics.performance import MOST_DAYS, Performance, performance_of
from campaigns.statistics.remembering import remembered

__all__ = [
    "MOST_DAYS",
    "CampaignStatistics",
    "ContactStatistics",
    "EventStatistics",
    "Outcomes",
    "Overview",
    "Performance",
    "campaign_statistics",
    "contact_statistics",
    "event_statistics",
    "performance_of",
    "remembered",
    "tenant_overview",
]
