"""Reports and recipients as they go over the wire, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.campaigns.serializers import CampaignCounts, count_fields
from campaigns.models import Campaign
from campaigns.reports import CampaignReport, Figures, RecipientRow


class CampaignFigures(CampaignCounts):
    """The counts of a campaign, more exactly."""

    bounced_hard = serializers.IntegerField()
    bounced_soft = serializers.IntegerField()
    confirmed = serializers.IntegerField(help_text="of whom the provider said that the mailbox took it")
    opens = serializers.IntegerField(help_text="all of them, not recipients")
    clicks = serializers.IntegerField(help_text="all of them, not recipients")
    human_opened = serializers.IntegerField(
        help_text="of `opened`, those whom a person is known to have opened it for: no privacy proxy, no scanner"
    )
    human_clicked = serializers.IntegerField(help_text="of `clicked`, likewise")


class CampaignRates(serializers.Serializer):
    """From 0 to 1; 0 where nothing was sent."""

    delivery = serializers.FloatField()
    bounce = serializers.FloatField()
    open = serializers.FloatField()
    click = serializers.FloatField()
    human_open = serializers.FloatField(help_text="of those delivered to, opened by a person")
    human_click = serializers.FloatField(help_text="of those delivered to, clicked by a person")
    click_to_open = serializers.FloatField()
    unsubscribe = serializers.FloatField()
    complaint = serializers.FloatField()


class CampaignLink(serializers.Serializer):
    """A tracked link of one version of the mail."""

    message_id = serializers.IntegerField()
    number = serializers.IntegerField()
    language = serializers.CharField()
    variant = serializers.CharField(help_text="its name; of the remainder, the winner's; empty without variants")
    url = serializers.CharField()
    clicks = serializers.IntegerField()
    unique_clicks = serializers.IntegerField()


class CampaignHour(serializers.Serializer):
    """Events of one kind in the hour that begins at `hour`."""

    hour = serializers.DateTimeField()
    event = serializers.CharField(help_text="open, click, unsubscribe, bounce_hard, …")
    count = serializers.IntegerField()
    unique = serializers.IntegerField()


class CampaignReportAnswer(serializers.Serializer):
    """All there is to say about a campaign, apart from its single recipients."""

    campaign_id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()
    figures = CampaignFigures()
    rates = CampaignRates()
    links = CampaignLink(many=True, help_text="the most clicked first")
    hours = CampaignHour(many=True)
    started_at = serializers.DateTimeField(
        allow_null=True, help_text="when its audience was frozen, a moment after sending; until then nobody is counted"
    )
    finished_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()


class RecipientAnswer(serializers.Serializer):
    """One recipient. Name and address are empty, and `contact_id` null, where the contact was erased."""

    message_id = serializers.IntegerField()
    position = serializers.IntegerField()
    contact_id = serializers.IntegerField(allow_null=True)
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    state = serializers.CharField(help_text="queued, deferred, sent, delivered, bounced_hard, …")
    attempts = serializers.IntegerField()
    code = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    clicked_at = serializers.DateTimeField(allow_null=True)
    opens = serializers.IntegerField()
    clicks = serializers.IntegerField()
    unsubscribed_at = serializers.DateTimeField(allow_null=True)
    complained_at = serializers.DateTimeField(allow_null=True)


class RecipientsAnswer(serializers.Serializer):
    """A page of recipients."""

    items = RecipientAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def report_fields(campaign: Campaign, report: CampaignReport) -> dict[str, Any]:
    """As CampaignReportAnswer says."""
    return {
        "campaign_id": report.campaign_id,
        "name": campaign.name,
        "status": campaign.state,
        "figures": _figures(report.figures),
        "rates": _rates(report.figures),
        "links": [
            {
                "message_id": link.message_id,
                "number": link.number,
                "language": link.language,
                "variant": link.variant,
                "url": link.url,
                "clicks": link.clicks,
                "unique_clicks": link.uniques,
            }
            for link in report.links
        ],
        "hours": [
            {"hour": each.hour, "event": each.kind.name.lower(), "count": each.count, "unique": each.uniques}
            for each in report.hours
        ],
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "error": report.error,
    }


def recipient_fields(row: RecipientRow) -> dict[str, Any]:
    """As RecipientAnswer says."""
    return {
        "message_id": row.message_id,
        "position": row.position,
        "contact_id": row.contact_id,
        "email": row.email,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "state": row.state.replace(" ", "_"),
        "attempts": row.attempts,
        "code": row.code,
        "reason": row.reason,
        "at": row.at,
        "next_at": row.next_at,
        "opened_at": row.opened_at,
        "clicked_at": row.clicked_at,
        "opens": row.opens,
        "clicks": row.clicks,
        "unsubscribed_at": row.unsubscribed_at,
        "complained_at": row.complained_at,
    }


def _figures(figures: Figures) -> dict[str, int]:
    return {
        **count_fields(figures),
        "bounced_hard": figures.bounced_hard,
        "bounced_soft": figures.bounced_soft,
        "confirmed": figures.confirmed,
        "opens": figures.opens,
        "clicks": figures.clicks,
        "human_opened": figures.human_opened,
        "human_clicked": figures.human_clicked,
    }


def _rates(figures: Figures) -> dict[str, float]:
    return {
        "delivery": round(figures.delivery_rate, 4),
        "bounce": round(figures.bounce_rate, 4),
        "open": round(figures.open_rate, 4),
        "click": round(figures.click_rate, 4),
        "human_open": round(figures.human_open_rate, 4),
        "human_click": round(figures.human_click_rate, 4),
        "click_to_open": round(figures.click_to_open_rate, 4),
        "unsubscribe": round(figures.unsubscribe_rate, 4),
        "complaint": round(figures.complaint_rate, 4),
    }
