"""What the views of campaigns share: finding one, telling its figures, the names of its fields in errors."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from api.v2.campaigns.serializers import campaign_fields, count_fields
from api.v2.views import V2View
from campaigns.models import Campaign
from campaigns.reports import campaign_figures
from common.errors import Conflict, LettershopError, NotFound

TAGS = ["Campaigns"]
PAGE = [
    OpenApiParameter("limit", int, description="how many at most, up to 500; 50 when left out"),
    OpenApiParameter("cursor", str, description="where the page before ended"),
]
# What the services call a field, and what it is called in a body.
_FIELDS = {
    "sender": "from_email",
    "provider": "provider_id",
    "template": "template_id",
    "segment": "segment_id",
    "after": "cursor",
}


class CampaignView(V2View):
    """A view of campaigns: reading needs the scope `read`, all else `campaigns`."""

    scopes = {"GET": "read", "POST": "campaigns", "PUT": "campaigns", "DELETE": "campaigns"}

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, LettershopError) and exc.field in _FIELDS:
            exc.field = self._said_as(exc.field)
        if isinstance(exc, Conflict) and exc.field == "state":
            exc.field = "status"
        return super().handle_exception(exc)

    def campaign(self, campaign_id: int) -> Campaign:
        """Raises NotFound."""
        found = Campaign.objects.select_related("template", "provider", "segment").filter(pk=campaign_id).first()
        if found is None:
            raise NotFound(f"There is no campaign {campaign_id}.", field="campaign_id")
        return found

    def _said_as(self, field: str) -> str:
        """A sender is said in one piece or in parts: an error is about what was said."""
        given = self.request.data if self.request.method in ("POST", "PUT") else {}
        return "from" if field == "sender" and isinstance(given, dict) and given.get("from") else _FIELDS[field]

    def shown(self, campaign: Campaign, *, status: int = 200) -> Response:
        """As CampaignDetail says."""
        figures = campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]
        body = {**campaign_fields(campaign, self.tenant.pk), "counts": count_fields(figures)}
        return Response(body, status=status)

    def told(self, campaign: Campaign, message: str) -> Response:
        """As CampaignAction says."""
        return Response(
            {"success": True, "campaign_id": campaign.pk, "status": str(campaign.state), "message": message}
        )
