"""Configuration, maintenance and clean-up, for operators."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.admin import answers
from api.relay.admin.base import OperatorView
from api.relay.admin.reading import an_object, read_cleanup, read_maintenance
from api.relay.admin.serializers import (
    CleanupAnswer,
    CleanupBody,
    ConfigurationAnswer,
    ConfigurationChange,
    ConfigurationChanged,
    MaintenanceAnswer,
    MaintenanceBody,
)
from api.relay.admin.tables import WEBHOOK_RECORDS, customers
from api.relay.documentation import errors
from outbound.models import ProviderAccount
from outbound.services.cleanup import CleanupOrder, clean_up
from tenants.services import maintenance, settings

TAGS = ["Relay: operators"]
# A proxy waits half a minute.
CLEANUP_SECONDS = 20.0


class ConfigView(OperatorView):
    """What an operator may change while the installation runs."""

    @extend_schema(
        operation_id="relay_config_get",
        summary="Read the configuration",
        description="For operators: an admin key.",
        tags=TAGS,
        responses={200: ConfigurationAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        types = ProviderAccount.Type.values
        return Response({"success": True, "data": answers.configuration(settings.written(), types)})

    @extend_schema(
        operation_id="relay_config_update",
        summary="Change the configuration",
        description="What is left out stays as it is. A name that is not known, a wrong type or a value out of its bounds "
        "is refused with the field, and then nothing is changed. It holds in every process within a second; "
        "`restart_required` says whether something that was changed waits for a restart.",
        tags=TAGS,
        request=ConfigurationChange,
        responses={200: ConfigurationChanged, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Larger batches",
                {
                    "queue": {"batch_size": 100, "process_interval": "15s"},
                    "rate_limits": {"global_daily": 150_000},
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request) -> Response:
        given = an_object(request.data)
        done = settings.change(given, provider_types=ProviderAccount.Type.values, by=self.caller.name)
        return Response(
            {
                "success": True,
                "message": "Configuration updated successfully",
                "restart_required": done.restart_required,
            }
        )


class MaintenanceView(OperatorView):
    """Sending is closed for a while."""

    @extend_schema(
        operation_id="relay_maintenance",
        summary="Begin or end maintenance",
        description="While it lasts, sends of every dialect are answered 503 with Retry-After; reading, tracking and "
        "webhooks go on. It ends by itself after `expected_duration_minutes`.",
        tags=TAGS,
        request=MaintenanceBody,
        responses={200: MaintenanceAnswer, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Half an hour",
                {"enabled": True, "message": "Scheduled maintenance in progress", "expected_duration_minutes": 30},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = read_maintenance(request.data)
        state = None
        if asked.enabled:
            state = maintenance.begin(message=asked.message, minutes=asked.minutes, by=self.caller.name)
        else:
            maintenance.end(by=self.caller.name)
        return Response({"success": True, "data": answers.maintenance(state)})


class CleanupView(OperatorView):
    """What is long over goes."""

    # Batch after batch is committed; doing it again deletes what is left, and no more.
    idempotent: ClassVar[bool] = False

    @extend_schema(
        operation_id="relay_cleanup",
        summary="Delete old messages",
        description="Single messages older than so many days, with their content, events and what webhooks were told. "
        "Messages that wait are never deleted, campaigns neither. It works for 20 seconds at most; `complete` "
        "says whether something is left, then call it again. A dry run counts what a real one would delete.",
        tags=TAGS,
        request=CleanupBody,
        responses={200: CleanupAnswer, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Count what is older than 90 days",
                {"older_than_days": 90, "include_sent": True, "include_failed": True, "dry_run": True},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = read_cleanup(request.data)
        order = CleanupOrder(
            before=datetime.now(UTC) - timedelta(days=asked.older_than_days),
            sent=asked.sent,
            failed=asked.failed,
            dry_run=asked.dry_run,
            dated=WEBHOOK_RECORDS,
        )
        names_one = bool(self.named_tenant(request, {})[1] or request.headers.get("X-Workspace-ID"))
        done = clean_up(order, [self.tenant] if names_one else customers(), seconds=CLEANUP_SECONDS)
        return Response({"success": True, "data": answers.cleaned(done)})
