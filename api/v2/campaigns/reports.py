"""What became of a campaign: the report, the recipients one by one, and the same as a file."""

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.campaigns.base import PAGE, TAGS, CampaignView
from api.v2.campaigns.examples import RECIPIENTS, RECIPIENTS_FILE, REPORT
from api.v2.campaigns.report_fields import CampaignReportAnswer, RecipientsAnswer, recipient_fields, report_fields
from api.v2.documentation import errors
from api.v2.fields import Text
from api.v2.lists import limit_of
from campaigns.reports import RecipientFilter, campaign_report, export_recipients, recipients
from tenants.desk.streaming import csv_download


class RecipientsQuery(serializers.Serializer):
    """What a list of recipients can be narrowed to."""

    state = serializers.ChoiceField(choices=[one.value for one in RecipientFilter if one], required=False)
    search = Text(max_length=320, required=False, help_text="the beginning of an address; the first 200 are found")


class CursorQuery(serializers.Serializer):
    """Where a page begins."""

    cursor = Text(max_length=60, required=False)


class ReportView(CampaignView):
    @extend_schema(
        operation_id="campaigns_report",
        summary="Get a campaign's report",
        description=(
            "Figures, rates, links and events by the hour, as they are now. `started_at` is null and `total` 0 until the "
            "audience is frozen, which takes a worker a moment after `send`."
        ),
        tags=TAGS,
        responses={200: CampaignReportAnswer, **errors()},
        examples=[REPORT],
    )
    def get(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        campaign = self.campaign(campaign_id)
        return Response(report_fields(campaign, campaign_report(campaign=campaign)))


class RecipientsView(CampaignView):
    @extend_schema(
        operation_id="campaigns_recipients",
        summary="List a campaign's recipients",
        description="In the order in which the audience was frozen, with what became of each.",
        tags=TAGS,
        parameters=[RecipientsQuery, *PAGE],
        responses={200: RecipientsAnswer, **errors()},
        examples=[RECIPIENTS],
    )
    def get(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        asked = self.checked(RecipientsQuery, request.query_params)
        after = self.checked(CursorQuery, request.query_params).get("cursor", "")
        page = recipients(campaign=self.campaign(campaign_id), after=after, limit=limit_of(request), **asked)
        return Response({"items": [recipient_fields(row) for row in page.rows], "next_cursor": page.after or None})


class RecipientsFileView(CampaignView):
    @extend_schema(
        operation_id="campaigns_recipients_file",
        summary="Get a campaign's recipients as CSV",
        description="All of them, however many: the file is written while it is read.",
        tags=TAGS,
        parameters=[RecipientsQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR, **errors()},
        examples=[RECIPIENTS_FILE],
    )
    def get(self, request: Request, tenant_id: int, campaign_id: int) -> HttpResponseBase:
        asked = self.checked(RecipientsQuery, request.query_params)
        campaign = self.campaign(campaign_id)
        lines = export_recipients(campaign=campaign, **asked)
        return csv_download(lines, name=f"{campaign.name}-{asked.get('state') or 'recipients'}")
