"""What is done with a campaign: send, pause, resume, cancel, copy."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.campaigns.base import TAGS, CampaignView
from api.v2.campaigns.examples import SHOWN, acted
from api.v2.campaigns.serializers import CampaignAction, CampaignCopy, CampaignDetail
from api.v2.documentation import errors
from campaigns.models import Campaign
from campaigns.services.drafts import duplicate_campaign
from campaigns.services.ordering import send_order
from campaigns.services.sending import cancel_campaign, pause_campaign, resume_campaign


class SendView(CampaignView):
    @extend_schema(
        operation_id="campaigns_send",
        summary="Send a campaign",
        description=(
            "Checks it, and sends it in the background: now, or at its `scheduled_at` when that is still to come "
            "(`status` is then `scheduled`). One that was sent, paused or cancelled is refused with 409; with "
            "something wrong about it, 422 tells all of it. Needs no body."
        ),
        tags=TAGS,
        request=None,
        responses={200: CampaignAction, **errors(409)},
        examples=[acted("sending", "Campaign queued for sending")],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        campaign = send_order(campaign=self.campaign(campaign_id))
        later = campaign.state == Campaign.State.SCHEDULED
        return self.told(campaign, "Campaign scheduled" if later else "Campaign queued for sending")


class PauseView(CampaignView):
    @extend_schema(
        operation_id="campaigns_pause",
        summary="Pause a campaign",
        description="Stops handing over; whoever was not mailed yet waits. 409 unless it is being sent.",
        tags=TAGS,
        request=None,
        responses={200: CampaignAction, **errors(409)},
        examples=[acted("paused", "Campaign paused")],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        return self.told(pause_campaign(campaign=self.campaign(campaign_id)), "Campaign paused")


class ResumeView(CampaignView):
    @extend_schema(
        operation_id="campaigns_resume",
        summary="Resume a campaign",
        description="Goes on after a pause. 409 unless it is paused.",
        tags=TAGS,
        request=None,
        responses={200: CampaignAction, **errors(409)},
        examples=[acted("sending", "Campaign resumed")],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        return self.told(resume_campaign(campaign=self.campaign(campaign_id)), "Campaign resumed")


class CancelView(CampaignView):
    @extend_schema(
        operation_id="campaigns_cancel",
        summary="Cancel a campaign",
        description="Stops it for good: whoever was not mailed yet never is. 409 when it is over.",
        tags=TAGS,
        request=None,
        responses={200: CampaignAction, **errors(409)},
        examples=[acted("cancelled", "Campaign cancelled")],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        return self.told(cancel_campaign(campaign=self.campaign(campaign_id)), "Campaign cancelled")


class DuplicateView(CampaignView):
    @extend_schema(
        operation_id="campaigns_duplicate",
        summary="Copy a campaign",
        description="A new draft with everything the campaign has but its time, sent or not. The body may be left out.",
        tags=TAGS,
        request=CampaignCopy,
        responses={201: CampaignDetail, **errors(409, body=True)},
        examples=[OpenApiExample("With a name", {"name": "Spring again"}, request_only=True), SHOWN],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        name = self.checked(CampaignCopy).get("name", "")
        return self.shown(duplicate_campaign(campaign=self.campaign(campaign_id), name=name), status=201)
