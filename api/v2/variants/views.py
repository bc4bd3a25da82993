"""Variants of a campaign: defined as a whole, shown with their figures, one chosen by hand."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.campaigns.base import TAGS, CampaignView
from api.v2.documentation import errors
from api.v2.variants.examples import CHOSEN, DEFINED, REMOVED, SHOWN
from api.v2.variants.serializers import VariantsAnswer, VariantsBody, WinnerBody, drafts_of, split_fields
from campaigns.models import Campaign
from campaigns.reports.variants import split_report
from campaigns.services.deciding import choose_winner
from campaigns.services.variants import set_variants


class _VariantsBase(CampaignView):
    def split(self, campaign: Campaign) -> Response:
        """As VariantsAnswer says."""
        return Response(split_fields(campaign, split_report(campaign=campaign), self.tenant.pk))


class VariantsView(_VariantsBase):
    @extend_schema(
        operation_id="campaigns_variants_get",
        summary="Get a campaign's variants",
        description="With what became of each, and of the remainder, until now.",
        tags=TAGS,
        responses={200: VariantsAnswer, **errors()},
        examples=[SHOWN],
    )
    def get(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        return self.split(self.campaign(campaign_id))

    @extend_schema(
        operation_id="campaigns_variants_set",
        summary="Set a campaign's variants",
        description=(
            "All of them in place of those there were; an empty list removes them. When sending begins, the audience is "
            "frozen and shared out at random: each variant goes to its share, and the remainder, where the shares are less "
            "than 100 percent, waits. After `decide_after_minutes` the variant with the highest rate of people who opened "
            "(or clicked) goes to the remainder: opens and clicks of machines do not count, and of equals the first one "
            "wins. With `winner_by` `hand` it waits until somebody chooses. A paused campaign is not decided before it "
            "goes on. 409 once the campaign is being sent."
        ),
        tags=TAGS,
        request=VariantsBody,
        responses={200: VariantsAnswer, **errors(409, body=True)},
        examples=[DEFINED, REMOVED, SHOWN],
    )
    def put(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        values = self.checked(VariantsBody)
        campaign = self.campaign(campaign_id)
        set_variants(campaign=campaign, variants=drafts_of(values.pop("variants")), **values)
        return self.split(campaign)


class WinnerView(_VariantsBase):
    @extend_schema(
        operation_id="campaigns_variants_choose",
        summary="Choose the winning variant by hand",
        description=(
            "It goes to the remainder at once, whatever the figures say. 409 unless the campaign is being sent, has a "
            "remainder, and its winner is not chosen yet."
        ),
        tags=TAGS,
        request=WinnerBody,
        responses={200: VariantsAnswer, **errors(409, body=True)},
        examples=[CHOSEN, SHOWN],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        campaign = self.campaign(campaign_id)
        choose_winner(campaign=campaign, variant_id=self.checked(WinnerBody)["variant_id"])
        return self.split(campaign)
