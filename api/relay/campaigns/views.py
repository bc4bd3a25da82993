"""A campaign's figures."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.base import RelayView
from api.relay.campaigns.answers import PREFIX, STATUSES, campaign_stats
from api.relay.documentation import WORKSPACE, envelope, errors
from campaigns.models import Campaign
from campaigns.reports import campaign_report
from common.errors import NotFound

_LONGEST_NUMBER = 18


class RelayCampaignCounts(serializers.Serializer):
    """Recipients, each counted once."""

    total_recipients = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="a provider took it")
    delivered = serializers.IntegerField(help_text="and it did not come back")
    bounced = serializers.IntegerField()
    opened = serializers.IntegerField()
    clicked = serializers.IntegerField()
    unsubscribed = serializers.IntegerField()
    complained = serializers.IntegerField()


class RelayCampaignRates(serializers.Serializer):
    """From 0 to 1: opens and clicks of those delivered, all else of all recipients."""

    delivery_rate = serializers.FloatField()
    open_rate = serializers.FloatField()
    click_rate = serializers.FloatField()
    bounce_rate = serializers.FloatField()
    unsubscribe_rate = serializers.FloatField()
    complaint_rate = serializers.FloatField()


class RelayCampaignTimeline(serializers.Serializer):
    """When it was made, begun and finished."""

    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class RelayCampaignFigures(serializers.Serializer):
    """A campaign in figures."""

    campaign_id = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    stats = RelayCampaignCounts()
    rates = RelayCampaignRates()
    timeline = RelayCampaignTimeline()


class CampaignStatsView(RelayView):
    """Figures of one campaign."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="relay_campaigns_stats",
        summary="Get a campaign's statistics",
        description="`camp-123` and `123` name the same campaign.",
        tags=["Relay: campaigns"],
        parameters=[WORKSPACE],
        responses={200: envelope("RelayCampaignStats", RelayCampaignFigures()), **errors()},
    )
    def get(self, request: Request, campaign_id: str) -> Response:
        campaign = _campaign(campaign_id)
        return Response({"success": True, "data": campaign_stats(campaign, campaign_report(campaign=campaign))})


def _campaign(text: str) -> Campaign:
    number = text[len(PREFIX) :] if text.lower().startswith(PREFIX) else text
    known = number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER
    campaign = Campaign.objects.filter(pk=int(number)).first() if known else None
    if campaign is None:
        raise NotFound("There is no such campaign.", field="campaign_id")
    return campaign
