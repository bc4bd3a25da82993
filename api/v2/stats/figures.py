"""From statistics to what their serializers read: counts and rates of mail stand beside the other numbers."""

from typing import Any

from api.v2.stats.serializers import shown_rate
from campaigns.statistics import CampaignStatistics, EventStatistics, Outcomes, Overview, Performance


def of_mail(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "sent": outcomes.sent,
        "delivered": outcomes.delivered,
        "bounced": outcomes.bounced,
        "failed": outcomes.failed,
        "opened": outcomes.opened,
        "clicked": outcomes.clicked,
        "unsubscribed": outcomes.unsubscribed,
        "complained": outcomes.complained,
        "tried": outcomes.tried,
        "delivery_rate": shown_rate(outcomes.delivery_rate),
        "bounce_rate": shown_rate(outcomes.bounce_rate),
        "open_rate": shown_rate(outcomes.open_rate),
        "click_rate": shown_rate(outcomes.click_rate),
        "click_to_open_rate": shown_rate(outcomes.click_to_open_rate),
        "unsubscribe_rate": shown_rate(outcomes.unsubscribe_rate),
        "complaint_rate": shown_rate(outcomes.complaint_rate),
    }


def of_campaigns(statistics: CampaignStatistics) -> dict[str, Any]:
    return {**of_mail(statistics.outcomes), "total": statistics.total, "by_status": statistics.by_status}


def of_events(statistics: EventStatistics) -> dict[str, Any]:
    return {
        **of_mail(statistics.outcomes),
        "total": statistics.total,
        "by_type": statistics.by_type,
        "unique_opens": statistics.unique_opens,
        "unique_clicks": statistics.unique_clicks,
        "hard_bounce_rate": statistics.hard_bounce_rate,
    }


def of_overview(overview: Overview) -> dict[str, Any]:
    return {
        "contacts": overview.contacts,
        "campaigns": of_campaigns(overview.campaigns),
        "events": of_events(overview.events),
        "data_sources": overview.data_sources,
        "recent_campaigns": overview.recent_campaigns,
    }


def of_performance(performance: Performance) -> dict[str, Any]:
    return {
        "days": len(performance.days),
        "totals": of_mail(performance.totals),
        "daily": [{**of_mail(day.outcomes), "date": day.day.isoformat()} for day in performance.days],
    }
