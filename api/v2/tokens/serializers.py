"""Tokens as API v2 reads and shows them."""

from rest_framework import serializers

from api.access.end_users import LONGEST_USER, end_user
from api.access.tokens import DEFAULT_SECONDS, LONGEST_SECONDS
from api.v2.fields import Id, Text
from tenants.services.keys import SCOPES


class TokenBody(serializers.Serializer):
    """What the token may do, and for how long."""

    tenant_id = Id(required=False, help_text="left out: the tenant of the key that calls")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        required=False,
        allow_empty=False,
        max_length=len(SCOPES),
        help_text="left out: those of the key that calls",
    )
    seconds = serializers.IntegerField(required=False, default=DEFAULT_SECONDS, min_value=1, max_value=LONGEST_SECONDS)
    user = Text(
        required=False,
        max_length=LONGEST_USER,
        trim_whitespace=False,
        help_text="your end user whom it acts for: its calls and sends are counted as theirs too",
    )

    def validate_user(self, given: str) -> str:
        return end_user(given, field="user")


class TokenMade(serializers.Serializer):
    """Send it as `Authorization: Bearer <token>`."""

    token = serializers.CharField()
    token_type = serializers.CharField(help_text="Bearer")
    expires_at = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
