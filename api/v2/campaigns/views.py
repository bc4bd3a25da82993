"""Making campaigns, listing them, changing them, throwing them away."""

from typing import cast

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.campaigns.base import PAGE, TAGS, CampaignView
from api.v2.campaigns.examples import LISTED, SHOWN
from api.v2.campaigns.serializers import (
    CampaignAnswer,
    CampaignBody,
    CampaignDetail,
    CampaignListQuery,
    campaign_fields,
)
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from campaigns.models import Campaign
from campaigns.services.drafts import delete_campaign
from campaigns.services.ordering import CampaignFields, change_order, order_campaign

_SEED = OpenApiExample(
    "By tags",
    {
        "tenant_id": 1,
        "name": "French Real Estate Q1 2026",
        "template_id": 5,
        "language": "fr",
        "category": "real_estate",
        "tags_all": ["verified", "active"],
        "tags_any": ["france", "belgium"],
        "exclude_tags": ["unsubscribed", "bounced"],
        "scheduled_at": "2026-03-01T09:00:00Z",
    },
    request_only=True,
)
_SHORT = OpenApiExample(
    "To everybody",
    {"name": "Spring", "template_id": 1, "from": "Acme <news@acme.example>"},
    request_only=True,
)
_CHANGES = OpenApiExample("Another name, another time", {"name": "Summer", "scheduled_at": None}, request_only=True)


class CampaignsView(CampaignView):
    @extend_schema(
        operation_id="campaigns_create",
        summary="Make a campaign",
        description=(
            "Without a sender, the tenant's own is taken: its default sender, else news@ its first sending domain.\n\n"
            "With `scheduled_at` in the future the campaign is checked as for sending and goes out then; a time that "
            "is over is kept, and the campaign is a draft until it is sent. Every tag must exist, those to exclude "
            "too: a misspelt exclusion would mail whom it should not."
        ),
        tags=TAGS,
        request=CampaignBody,
        responses={201: CampaignDetail, **errors(409, body=True)},
        examples=[_SHORT, _SEED, SHOWN],
    )
    def post(self, request: Request) -> Response:
        return self.shown(order_campaign(fields=_fields(self.checked(CampaignBody))), status=201)


class CampaignListView(CampaignView):
    @extend_schema(
        operation_id="campaigns_list",
        summary="List campaigns",
        description="The newest first, without their figures. `X-Next-Cursor` says where the next page begins.",
        tags=TAGS,
        parameters=[
            CampaignListQuery,
            *PAGE,
            OpenApiParameter("X-Next-Cursor", str, OpenApiParameter.HEADER, response=[200]),
        ],
        responses={200: CampaignAnswer(many=True), **errors()},
        examples=[LISTED],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        asked = self.checked(CampaignListQuery, request.query_params)
        limit, before = limit_of(request), cursor_of(request)
        found = Campaign.objects.order_by("-id")
        if "status" in asked:
            found = found.filter(state=asked["status"])
        if before is not None:
            found = found.filter(pk__lt=before)
        shown, cursor = page_of(list(found[: limit + 1]), limit=limit)
        headers = {"X-Next-Cursor": cursor} if cursor else {}
        return Response([campaign_fields(campaign, self.tenant.pk) for campaign in shown], headers=headers)


class CampaignItemView(CampaignView):
    @extend_schema(
        operation_id="campaigns_get",
        summary="Get a campaign",
        tags=TAGS,
        responses={200: CampaignDetail, **errors()},
        examples=[SHOWN],
    )
    def get(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        """With its figures as they are now."""
        return self.shown(self.campaign(campaign_id))

    @extend_schema(
        operation_id="campaigns_update",
        summary="Change a campaign",
        description=(
            "What is left out stays as it is. A scheduled campaign is checked and scheduled again; `scheduled_at` of "
            "null, or one that is over, makes it a draft. Once it is being sent it cannot be changed: 409."
        ),
        tags=TAGS,
        request=CampaignBody(partial=True),
        responses={200: CampaignDetail, **errors(409, body=True)},
        examples=[_CHANGES, SHOWN],
    )
    def put(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        fields = _fields(self.checked(CampaignBody, partial=True))
        return self.shown(change_order(campaign=self.campaign(campaign_id), fields=fields))

    @extend_schema(
        operation_id="campaigns_delete",
        summary="Delete a campaign",
        description="What was recorded of its mail stays. 409 while it is scheduled or on its way: cancel it first.",
        tags=TAGS,
        responses={204: OpenApiResponse(description="It is gone."), **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        delete_campaign(campaign=self.campaign(campaign_id))
        return Response(status=204)


def _fields(values: dict[str, object]) -> CampaignFields:
    return cast("CampaignFields", {name: value for name, value in values.items() if name != "tenant_id"})
