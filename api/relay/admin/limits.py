"""How the day's limits stand."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.admin.answers import rate_limits
from api.relay.admin.serializers import RateLimitAnswer
from api.relay.base import RelayView
from api.relay.documentation import WORKSPACE, errors
from tenants.services.standing import standings_of


class RateLimitView(RelayView):
    """For everybody who may read."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="relay_rate_limit",
        summary="See what may still be sent today",
        description="Single messages a day (UTC): of all workspaces together, of this one, and of each user that sent "
        "today, as `metadata.user_id` or X-User-ID names them.",
        tags=["Relay: statistics"],
        parameters=[WORKSPACE],
        responses={200: RateLimitAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        data = rate_limits(standings_of(self.tenant), workspace_id=self.tenant.workspace_id)
        return Response({"success": True, "data": data})
