"""Figures: how things are now, and how they go on."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import jwt
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.base import RelayView
from api.relay.documentation import WORKSPACE, errors
from api.relay.moments import moment
from api.relay.stats import answers
from api.relay.stats.serializers import RelayStats
from api.relay.stats.watching import ADMITTED, Watch, metrics_event
from outbound.submission.figures import processing_times, provider_figures, queue_figures, rate_per_minute
from outbound.submission.pulse import pulse
from tenants.services.standing import standings_of

TAGS = ["Relay: statistics"]


class StatsView(RelayView):
    """How things are now."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="relay_stats",
        summary="Get statistics",
        description="Queue, speed, providers and limits, as they are now.",
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={200: RelayStats, **errors()},
    )
    def get(self, request: Request) -> Response:
        limits = standings_of(self.tenant)
        data = {
            "system": answers.system(datetime.now(UTC)),
            "queue": answers.queue(queue_figures()),
            "processing": answers.processing(processing_times(), rate_per_minute=rate_per_minute()),
            "providers": answers.providers(provider_figures()),
            "rate_limits": {
                "global": {
                    "used_today": limits.installation.used,
                    "limit_today": limits.installation.limit,
                    "reset_at": moment(limits.resets_at),
                }
            },
        }
        return Response({"success": True, "data": data})


class RealtimeView(RelayView):
    """Lets watchers in; api.relay.realtime goes on with them. A server without that door sends one event."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="relay_stats_realtime",
        summary="Watch figures second by second",
        description=(
            "Server-Sent Events: a `metrics` event a second, for as long as the connection stays. `emails_per_second` are "
            "mails that were finished two seconds ago, `queue_depth` mails that wait, `active_processors` processes that send."
        ),
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, **errors()},
        examples=[
            OpenApiExample(
                "Events",
                'event: metrics\ndata: {"timestamp":"2024-01-15T10:00:00Z","emails_per_second":5,"queue_depth":150,'
                '"active_processors":3}\n\n',
                response_only=True,
                status_codes=["200"],
                media_type="text/event-stream",
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        now = datetime.now(UTC)
        event = metrics_event(pulse(self.tenant.schema_name, now=now), now=now)
        scope = request.META.get("asgi.scope")
        if scope is not None:
            scope[ADMITTED] = Watch(self.tenant.schema_name, self.caller.key_id, self._until(request))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return HttpResponse(event, content_type="text/event-stream", headers=headers)

    def _until(self, request: Request) -> datetime | None:
        """When the token of this call expires: who calls has been checked before."""
        if not self.caller.by_token:
            return None
        token = request.headers["Authorization"].partition(" ")[2].strip()
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return datetime.fromtimestamp(claims["exp"], UTC)
