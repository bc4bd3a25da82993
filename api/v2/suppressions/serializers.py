"""The wire format of the suppression list."""

from typing import Any

from rest_framework import serializers

from api.v2.contacts.serializers import EmailAddress
from api.v2.fields import Id, Text
from contacts.models import SuppressionReason


class SuppressionBody(serializers.Serializer):
    """An address that is not mailed, for one reason; it may stand there for several."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    email = serializers.CharField()
    reason = serializers.ChoiceField(choices=SuppressionReason.choices)
    note = serializers.CharField()
    origin = serializers.CharField(help_text="what put it here: a message, an import, the API")
    created_at = serializers.DateTimeField()


class NewSuppressions(serializers.Serializer):
    """One address as `email`, or up to 10,000 as `emails`."""

    tenant_id = Id(required=False)
    email = EmailAddress(required=False)
    emails = serializers.ListField(child=EmailAddress(), required=False, max_length=10_000)
    reason = serializers.ChoiceField(choices=SuppressionReason.choices, default=SuppressionReason.MANUAL)
    note = Text(required=False, allow_blank=True, max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("email") and not attrs.get("emails"):
            raise serializers.ValidationError({"email": "Say which address."})
        return attrs


class SuppressedAnswer(serializers.Serializer):
    """How many addresses are new on the list for this reason; the others stood there already."""

    tenant_id = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=SuppressionReason.choices)
    added = serializers.IntegerField()
    known = serializers.IntegerField()


class SuppressionPage(serializers.Serializer):
    """The newest first."""

    items = SuppressionBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class CheckAnswer(serializers.Serializer):
    """Whether an address may be mailed: `marketing` by campaigns, `transactional` by single messages."""

    email = serializers.CharField()
    suppressed = serializers.BooleanField()
    marketing = serializers.BooleanField()
    transactional = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
