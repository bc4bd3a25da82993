"""Keys as API v2 reads and shows them."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id, Moment, Text
from tenants.models import ApiKey
from tenants.services.keys import LONGEST_GRACE_SECONDS, MOST_NETWORKS, SCOPES

_LARGEST_LIMIT = 2**31 - 1


class KeyBody(serializers.Serializer):
    """What a new key may do."""

    tenant_id = Id(required=False, help_text="left out: the tenant of the key that calls")
    name = Text(max_length=120, help_text="what it is for")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        required=False,
        allow_empty=False,
        max_length=len(SCOPES),
        help_text="left out: those of the key that calls, but for admin",
    )
    is_admin = serializers.BooleanField(required=False, default=False, help_text="acts for any tenant; admin keys only")
    daily_limit = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=_LARGEST_LIMIT,
        help_text="accepted sends a day (UTC); left out: the plan's",
    )
    expires_at = Moment(
        required=False, allow_null=True, default=None, help_text="left out: it works until it is revoked"
    )
    allowed_addresses = serializers.ListField(
        child=Text(max_length=49),
        required=False,
        default=list,
        max_length=MOST_NETWORKS,
        help_text="addresses or networks it may be used from; left out: any",
    )


class RotationBody(serializers.Serializer):
    """How long the old key goes on working."""

    grace_seconds = serializers.IntegerField(required=False, default=0, min_value=0, max_value=LONGEST_GRACE_SECONDS)


class KeyShown(serializers.Serializer):
    """A key; the key itself was shown once, when it was made."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="the public part of the key, after ls_")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    is_admin = serializers.BooleanField()
    daily_limit = serializers.IntegerField(allow_null=True)
    allowed_addresses = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    replaced_by = serializers.IntegerField(allow_null=True, help_text="the key that was made in its place")


class KeyMade(KeyShown):
    """A new key, with its only readable copy."""

    key = serializers.CharField(help_text="keep it now: it cannot be shown again")


class KeyPage(serializers.Serializer):
    """Keys, the latest first."""

    items = KeyShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def shown(key: ApiKey) -> dict[str, Any]:
    """The key as KeyShown has it."""
    return {
        "id": key.pk,
        "tenant_id": key.tenant_id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "is_admin": key.is_admin,
        "daily_limit": key.daily_limit,
        "allowed_addresses": key.allowed_addresses,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "replaced_by": key.replaced_by_id,
    }
