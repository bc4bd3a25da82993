"""A campaign's figures as the relay answers them."""

from typing import Any

from api.relay.moments import moment
from campaigns.models import Campaign
from campaigns.reports import CampaignReport, Figures

PREFIX = "camp-"
# The reference calls one that is through "completed"; the other words are ours.
_STATUS = {Campaign.State.SENT: "completed"}
STATUSES = [_STATUS.get(state, state.value) for state in Campaign.State]


def campaign_stats(campaign: Campaign, report: CampaignReport) -> dict[str, Any]:
    """The body's `data`."""
    return {
        "campaign_id": f"{PREFIX}{campaign.pk}",
        "name": campaign.name,
        "status": _STATUS.get(Campaign.State(campaign.state), campaign.state),
        "stats": {
            "total_recipients": report.figures.total,
            "sent": report.figures.sent,
            "delivered": report.figures.delivered,
            "bounced": _bounced(report.figures),
            "opened": report.figures.opened,
            "clicked": report.figures.clicked,
            "unsubscribed": report.figures.unsubscribed,
            "complained": report.figures.complained,
        },
        "rates": rates(report.figures),
        "timeline": {
            "created_at": moment(campaign.created_at),
            "started_at": moment(report.started_at),
            "completed_at": moment(report.finished_at),
        },
    }


def rates(figures: Figures) -> dict[str, float]:
    """As in the reference: opens and clicks of those delivered, all else of all recipients. From 0 to 1, four digits."""
    return {
        "delivery_rate": _rate(figures.delivered, figures.total),
        "open_rate": _rate(figures.opened, figures.delivered),
        "click_rate": _rate(figures.clicked, figures.delivered),
        "bounce_rate": _rate(_bounced(figures), figures.total),
        "unsubscribe_rate": _rate(figures.unsubscribed, figures.total),
        "complaint_rate": _rate(figures.complained, figures.total),
    }


def _bounced(figures: Figures) -> int:
    return figures.bounced_hard + figures.bounced_soft


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
