"""What became of a campaign: figures from aggregates, recipients one by one, and their export."""

from campaigns.reports.export import export_recipients
from campaigns.reports.figures import CampaignReport, Figures, LinkFigures, campaign_figures, campaign_report
from campaigns.reports.recipients import RecipientFilter, RecipientPage, RecipientRow, recipients

__all__ = [
    "CampaignReport",
    "Figures",
    "LinkFigures",
    "RecipientFilter",
    "RecipientPage",
    "RecipientRow",
    "campaign_figures",
    "campaign_report",
    "export_recipients",
    "recipients",
]
