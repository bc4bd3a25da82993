"""The wire format of tokens, for the documentation."""

from rest_framework import serializers

from api.access.end_users import LONGEST_USER
from api.access.tokens import DEFAULT_SECONDS, LONGEST_SECONDS
from api.relay.documentation import envelope
from tenants.services.keys import SCOPES


class RelayTokenBody(serializers.Serializer):
    """What the token may do, and for how long."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=len(SCOPES),
        help_text="left out: those of the key",
    )
    expires_in = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_SECONDS,
        help_text=f"{DEFAULT_SECONDS} when left out",
    )
    operator = serializers.BooleanField(
        required=False, allow_null=True, help_text="of an admin key: it acts for any workspace, as its key does"
    )
    user = serializers.CharField(
        required=False,
        allow_null=True,
        min_length=1,
        max_length=LONGEST_USER,
        help_text="your end user whom it acts for: its calls and sends are counted as theirs too; not with `operator`",
    )
    workspace_id = serializers.CharField(required=False, allow_null=True)


class RelayRefreshBody(serializers.Serializer):
    """What was given beside the token before."""

    refresh_token = serializers.CharField(max_length=4096)


class RelayTokenMade(serializers.Serializer):
    """Send it as `Authorization: Bearer <access_token>`."""

    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="seconds")
    expires_at = serializers.DateTimeField()
    refresh_token = serializers.CharField(help_text="for /api/auth/refresh")
    refresh_expires_in = serializers.IntegerField(help_text="seconds")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    workspace_id = serializers.CharField()


RelayTokenAnswer = envelope("RelayTokenAnswer", RelayTokenMade())
