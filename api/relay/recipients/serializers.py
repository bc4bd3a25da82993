"""The wire format of recipients, for the documentation."""

from rest_framework import serializers

from api.relay.documentation import envelope
from contacts.models import ContactStatus

_STATUSES = [value.upper() for value in ContactStatus.values]


class RecipientMetadata(serializers.Serializer):
    """Tags, and fields of your own beside them: keys of lower-case letters, digits and underscores."""

    source = serializers.CharField(required=False, allow_null=True)
    tags = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="replace the recipient's tags"
    )


class NewRecipient(serializers.Serializer):
    """Only `email` is needed."""

    email = serializers.CharField()
    workspace_id = serializers.CharField(required=False, allow_null=True)
    first_name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    last_name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    opt_in = serializers.BooleanField(
        required=False, allow_null=True, help_text="true: they agreed, now; false: not mailed until they confirm"
    )
    user_id = serializers.CharField(required=False, allow_null=True)
    campaign_id = serializers.CharField(required=False, allow_null=True)
    metadata = RecipientMetadata(required=False, allow_null=True)


class RecipientChanges(serializers.Serializer):
    """What is left out stays; `metadata` is merged, null removes one of its fields."""

    email = serializers.CharField(required=False, allow_null=True, help_text="another address")
    first_name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    last_name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    status = serializers.ChoiceField(
        choices=_STATUSES,
        required=False,
        allow_null=True,
        help_text="what forbids mail goes on the suppression list; nobody is made mailable again here (409)",
    )
    user_id = serializers.CharField(required=False, allow_null=True)
    campaign_id = serializers.CharField(required=False, allow_null=True)
    metadata = RecipientMetadata(required=False, allow_null=True)


class RecipientItem(serializers.Serializer):
    """A recipient as lists show it."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    workspace_id = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    status = serializers.ChoiceField(choices=_STATUSES)
    bounce_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    metadata = serializers.DictField()


class RecipientPagination(serializers.Serializer):
    """Where this page stands."""

    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()


class RecipientList(serializers.Serializer):
    """A page, newest first."""

    recipients = RecipientItem(many=True)
    pagination = RecipientPagination()


class Engagement(serializers.Serializer):
    """Mails of campaigns and single ones together."""

    total_received = serializers.IntegerField(help_text="taken by a provider, and not come back")
    total_opened = serializers.IntegerField()
    total_clicked = serializers.IntegerField()
    last_open_date = serializers.DateTimeField(allow_null=True)
    last_click_date = serializers.DateTimeField(allow_null=True)


class RecipientDetail(RecipientItem):
    """All of a recipient."""

    user_id = serializers.CharField(allow_null=True)
    campaign_id = serializers.CharField(allow_null=True)
    opt_in_date = serializers.DateTimeField(allow_null=True)
    opt_out_date = serializers.DateTimeField(allow_null=True)
    last_bounce_date = serializers.DateTimeField(allow_null=True)
    bounce_type = serializers.ChoiceField(choices=["hard", "soft"], allow_null=True)
    engagement = Engagement()


class AddedRecipient(serializers.Serializer):
    """One that was added."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    status = serializers.ChoiceField(choices=_STATUSES)
    created_at = serializers.DateTimeField()


class ChangedRecipient(serializers.Serializer):
    """One that was changed."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    status = serializers.ChoiceField(choices=_STATUSES)
    updated_at = serializers.DateTimeField()


RecipientListAnswer = envelope("RelayRecipients", RecipientList())
RecipientAnswer = envelope("RelayRecipient", RecipientDetail())
AddedAnswer = envelope("RelayRecipientAdded", AddedRecipient())
ChangedAnswer = envelope("RelayRecipientChanged", ChangedRecipient())
