"""The wire format of outgoing webhooks."""

from typing import Any

from rest_framework import serializers

from api.callbacks.claiming import message_name
from api.callbacks.endpoints import LONGEST_DESCRIPTION, LONGEST_GRACE_SECONDS
from api.callbacks.kinds import ALL, CHOICES, TEST, Kind
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.signing import LONGEST, SHORTEST
from api.v2.fields import Id, Moment, Text
from common.destinations import LONGEST_URL

_KINDS = [str(kind) for kind in CHOICES]
_FORMATS = [str(value) for value in Endpoint.Format.values]
_SECRET_HELP = "one of your own, 8 to 200 printable characters; left out: a new one is made"


class EndpointBody(serializers.Serializer):
    """An endpoint to make."""

    tenant_id = Id(required=False)
    url = Text(max_length=LONGEST_URL, help_text="http or https, on a public address")
    description = Text(required=False, allow_blank=True, default="", max_length=LONGEST_DESCRIPTION)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=_KINDS),
        required=False,
        allow_empty=False,
        max_length=len(_KINDS),
        default=lambda: [ALL],
        help_text="what it hears of; * is everything",
    )
    format = serializers.ChoiceField(choices=_FORMATS, required=False, default=str(Endpoint.Format.STANDARD))
    secret = Text(required=False, min_length=SHORTEST, max_length=LONGEST, help_text=_SECRET_HELP)


class EndpointChanges(serializers.Serializer):
    """What is left out stays as it is."""

    url = Text(required=False, max_length=LONGEST_URL)
    description = Text(required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=_KINDS), required=False, allow_empty=False, max_length=len(_KINDS)
    )
    format = serializers.ChoiceField(choices=_FORMATS, required=False)


class EndpointRotationBody(serializers.Serializer):
    """How long the old secret signs beside the new one."""

    grace_seconds = serializers.IntegerField(
        required=False, default=86_400, min_value=0, max_value=LONGEST_GRACE_SECONDS
    )
    secret = Text(required=False, min_length=SHORTEST, max_length=LONGEST, help_text=_SECRET_HELP)


class ReplayBody(serializers.Serializer):
    """Which deliveries are sent again: by when the thing they tell of happened."""

    since = Moment(help_text="from then on")
    until = Moment(required=False, allow_null=True, default=None, help_text="before then; left out: until now")


class EndpointShown(serializers.Serializer):
    """An endpoint; its secret was shown once."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    url = serializers.CharField()
    description = serializers.CharField()
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=_KINDS))
    format = serializers.ChoiceField(choices=_FORMATS)
    state = serializers.ChoiceField(choices=[str(value) for value in Endpoint.State.values])
    pause_reason = serializers.CharField(
        allow_null=True, help_text="why it was paused by itself; null when it is active, or a person paused it"
    )
    paused_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text="failed tries since the last success")
    failing_since = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    last_error_at = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="until then the secret before signs too"
    )
    created_at = serializers.DateTimeField()


class EndpointMade(EndpointShown):
    """With its only readable secret."""

    secret = serializers.CharField(help_text="keep it now: it cannot be shown again")


class DeliveryShown(serializers.Serializer):
    """A notice, and what came of it."""

    id = serializers.IntegerField()
    endpoint_id = serializers.IntegerField()
    webhook_id = serializers.CharField(help_text="the header webhook-id, the same at every try")
    kind = serializers.ChoiceField(choices=[*(str(kind) for kind in Kind), TEST])
    message_id = serializers.CharField(allow_null=True, help_text="null for a test")
    happened_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=[str(value) for value in Delivery.State.values])
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    last_try_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True, help_text="of the answer; null: there was none")
    last_error = serializers.CharField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    answer = serializers.CharField(allow_blank=True, help_text="the first 1,024 bytes of the last one")


class DeliveryPage(serializers.Serializer):
    """Deliveries, the latest first; kept for 30 days."""

    items = DeliveryShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReplayAnswer(serializers.Serializer):
    """How many are sent again."""

    deliveries = serializers.IntegerField()


def endpoint_shown(endpoint: Endpoint, tenant_id: int) -> dict[str, Any]:
    """As EndpointShown has it."""
    return {
        "id": endpoint.pk,
        "tenant_id": tenant_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "kinds": endpoint.kinds,
        "format": endpoint.format,
        "state": endpoint.state,
        "pause_reason": endpoint.pause_reason or None,
        "paused_at": endpoint.paused_at,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "last_success_at": endpoint.last_success_at,
        "last_error": endpoint.last_error or None,
        "last_error_at": endpoint.last_error_at,
        "previous_secret_until": endpoint.previous_until,
        "created_at": endpoint.created_at,
    }


def delivery_shown(delivery: Delivery) -> dict[str, Any]:
    """As DeliveryShown has it."""
    is_waiting = delivery.state == Delivery.State.WAITING
    return {
        "id": delivery.pk,
        "endpoint_id": delivery.endpoint_id,
        "webhook_id": delivery.name,
        "kind": delivery.kind,
        "message_id": message_name(delivery.message_id) if delivery.message_id is not None else None,
        "happened_at": delivery.at,
        "state": delivery.state,
        "tries": delivery.tries,
        "next_try_at": delivery.due_at if is_waiting else None,
        "last_try_at": delivery.last_try_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "duration_ms": delivery.duration_ms,
        "answer": delivery.answer,
    }
