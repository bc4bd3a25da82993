"""The wire format of messages, for the documentation: bodies are read by api.relay.reading."""

from rest_framework import serializers

from api.relay.documentation import envelope

_STATUSES = ["queued", "processing", "sent", "failed", "cancelled", "in_doubt"]
_ADDRESS = "`ana@example.com` or `Ana Lee <ana@example.com>`"


def _addresses(**options: object) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **options)


class NewAttachment(serializers.Serializer):
    """A file of a message."""

    filename = serializers.CharField()
    content_type = serializers.CharField(
        required=False, allow_null=True, help_text="told from the content when left out"
    )
    content = serializers.CharField(help_text="base64")
    content_id = serializers.CharField(required=False, allow_null=True, help_text="of an image the HTML shows as cid:…")


class Personalization(serializers.Serializer):
    """Values for {{names}} in subject and bodies."""

    enabled = serializers.BooleanField(required=False, allow_null=True, help_text="true when there are variables")
    variables = serializers.DictField(required=False, allow_null=True)


class Scheduling(serializers.Serializer):
    """When it is sent, at the earliest."""

    send_at = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="ISO 8601; without an offset, a time on the clocks of `timezone`; up to a year ahead",
    )
    timezone = serializers.CharField(required=False, allow_null=True, help_text="America/New_York; UTC when left out")


NewMessage = type(
    "NewMessage",
    (serializers.Serializer,),
    {
        "__doc__": "A message to send. It goes to 100 people at most, each gets a copy.",
        "from": serializers.CharField(help_text=f"{_ADDRESS}; at a sending domain of the workspace"),
        "to": _addresses(help_text=_ADDRESS, max_length=100, min_length=1),
        "cc": _addresses(required=False, allow_null=True),
        "bcc": _addresses(required=False, allow_null=True, help_text="in no header of the message"),
        "subject": serializers.CharField(allow_blank=True),
        "html_body": serializers.CharField(required=False, allow_null=True, allow_blank=True),
        "text_body": serializers.CharField(
            required=False, allow_null=True, allow_blank=True, help_text="made from the HTML when left out"
        ),
        "attachments": NewAttachment(many=True, required=False, allow_null=True),
        "headers": serializers.DictField(
            child=serializers.CharField(),
            required=False,
            allow_null=True,
            help_text="of your own; Reply-To; X-Priority (1 to 5, high, normal, low), which is taken out again",
        ),
        "workspace_id": serializers.CharField(required=False, allow_null=True),
        "campaign_id": serializers.CharField(required=False, allow_null=True),
        "metadata": serializers.DictField(
            required=False, allow_null=True, help_text="kept; `user_id` says whose it is"
        ),
        "personalization": Personalization(required=False, allow_null=True),
        "scheduling": Scheduling(required=False, allow_null=True),
    },
)


class TakenMessage(serializers.Serializer):
    """A message that was taken."""

    message_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["queued"])
    queued_at = serializers.DateTimeField()
    estimated_send_time = serializers.DateTimeField(help_text="not before then")


_SHARED = {
    "id": serializers.CharField(),
    "from": serializers.CharField(),
    "to": _addresses(),
    "cc": _addresses(),
    "bcc": _addresses(),
    "subject": serializers.CharField(),
    "status": serializers.ChoiceField(
        choices=_STATUSES, help_text="in_doubt: handed over, but nobody knows whether the provider took it"
    ),
    "workspace_id": serializers.CharField(),
    "campaign_id": serializers.CharField(allow_null=True),
    "queued_at": serializers.DateTimeField(),
    "processed_at": serializers.DateTimeField(allow_null=True),
    "error": serializers.CharField(allow_null=True),
    "retry_count": serializers.IntegerField(),
    "metadata": serializers.DictField(),
}
MessageItem = type("RelayMessageItem", (serializers.Serializer,), {"__doc__": "A message as lists show it.", **_SHARED})


class AttachmentNote(serializers.Serializer):
    """A file without its content."""

    filename = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")


MessageDetail = type(
    "RelayMessageDetail",
    (serializers.Serializer,),
    {
        "__doc__": "All of a message.",
        **_SHARED,
        "html_body": serializers.CharField(),
        "text_body": serializers.CharField(),
        "headers": serializers.DictField(child=serializers.CharField(), help_text="as they are sent"),
        "attachments": AttachmentNote(many=True),
        "user_id": serializers.CharField(allow_null=True),
        "provider": serializers.CharField(allow_null=True, help_text="who took it"),
        "provider_message_id": serializers.CharField(allow_null=True),
    },
)


class Pagination(serializers.Serializer):
    """Where this page stands."""

    total = serializers.IntegerField(help_text="counted up to a million")
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    has_more = serializers.BooleanField()


class MessageList(serializers.Serializer):
    """A page, newest first."""

    messages = MessageItem(many=True)
    pagination = Pagination()


class RetriedMessage(serializers.Serializer):
    """A message that waits for another try."""

    message_id = serializers.CharField()
    status = serializers.ChoiceField(choices=_STATUSES)
    retry_count = serializers.IntegerField()


MessageTakenAnswer = envelope("RelayMessageTaken", TakenMessage())
MessageListAnswer = envelope("RelayMessages", MessageList())
MessageAnswer = envelope("RelayMessage", MessageDetail())
RetriedAnswer = envelope("RelayMessageRetried", RetriedMessage())
