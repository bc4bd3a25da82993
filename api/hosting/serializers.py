"""What the document says of the hosting service's bodies; `reading` and `answers` are what reads and writes them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.hosting.answers import EVENTS, RECIPIENT_STATUS, STATUS

_MAILBOX_IN = {
    "oneOf": [
        {"type": "string", "description": "ana@example.com, or Ana <ana@example.com>"},
        {
            "type": "object",
            "properties": {"address": {"type": "string"}, "name": {"type": ["string", "null"]}},
            "required": ["address"],
        },
    ]
}
_MAILBOXES_IN = {"oneOf": [*_MAILBOX_IN["oneOf"], {"type": "array", "items": _MAILBOX_IN, "maxItems": 100}]}
_PRIORITY_IN = {
    "oneOf": [
        {"type": "integer", "minimum": 1, "maximum": 5},
        {"type": "string", "enum": ["high", "normal", "low"]},
    ]
}


@extend_schema_field(_MAILBOX_IN)
class MailboxIn(serializers.JSONField):
    """Text or object."""


@extend_schema_field(_MAILBOXES_IN)
class MailboxesIn(serializers.JSONField):
    """One, or a list."""


@extend_schema_field(_PRIORITY_IN)
class PriorityIn(serializers.JSONField):
    """1 goes first."""


class NewHostingAttachment(serializers.Serializer):
    """A file to send along."""

    filename = serializers.CharField()
    content = serializers.CharField(help_text="base64; MAX_ATTACHMENT_SIZE bytes at most when decoded")
    contentType = serializers.CharField(required=False, allow_null=True, help_text="told from name and content when left out")  # fmt: skip
    cid = serializers.CharField(required=False, allow_null=True, help_text="for an image that the HTML shows as cid:…")


class NewHostingEmail(serializers.Serializer):
    """An e-mail to send: with text, HTML or both."""

    to = MailboxesIn()
    cc = MailboxesIn(required=False, allow_null=True)
    bcc = MailboxesIn(required=False, allow_null=True, help_text="nobody else sees them")
    replyTo = MailboxesIn(required=False, allow_null=True)
    subject = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=998)
    text = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    html = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    headers = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False, allow_null=True)
    attachments = NewHostingAttachment(many=True, required=False, allow_null=True)
    scheduledAt = serializers.DateTimeField(required=False, allow_null=True, help_text="not before; with its zone")
    priority = PriorityIn(required=False, allow_null=True, help_text="1 goes first, 3 when left out")
    metadata = serializers.DictField(required=False, allow_null=True, help_text="your own words; kept, never sent")

    def get_fields(self) -> dict[str, Any]:
        return {"from": MailboxIn(help_text="on one of the tenant's sending domains"), **super().get_fields()}


class HostingMailbox(serializers.Serializer):
    address = serializers.CharField()
    name = serializers.CharField(allow_blank=True)


class HostingAccepted(serializers.Serializer):
    """What is told of an e-mail that was taken in."""

    id = serializers.CharField(help_text="msg_…")
    status = serializers.ChoiceField(list(STATUS.values()))
    scheduledAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()


class HostingEmail(HostingAccepted):
    """One of a list."""

    to = HostingMailbox(many=True)
    cc = HostingMailbox(many=True)
    bcc = HostingMailbox(many=True)
    subject = serializers.CharField(allow_blank=True)
    priority = serializers.IntegerField()
    retries = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    sentAt = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": HostingMailbox(), **super().get_fields()}


class HostingHeader(serializers.Serializer):
    name = serializers.CharField()
    value = serializers.CharField()


class HostingAttachment(serializers.Serializer):
    filename = serializers.CharField()
    contentType = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    cid = serializers.CharField(allow_null=True)


class HostingRecipient(serializers.Serializer):
    """Where one recipient stands."""

    type = serializers.ChoiceField(["to", "cc", "bcc"])
    address = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(list(RECIPIENT_STATUS.values()))
    attempts = serializers.IntegerField()
    code = serializers.IntegerField(allow_null=True, help_text="of the provider's reply")
    reason = serializers.CharField(allow_null=True)
    updatedAt = serializers.DateTimeField(allow_null=True)


class HostingEvent(serializers.Serializer):
    """Something that happened."""

    event = serializers.ChoiceField(list(EVENTS.values()))
    at = serializers.DateTimeField()
    address = serializers.CharField(allow_null=True)
    provider = serializers.CharField(allow_null=True)
    code = serializers.IntegerField(allow_null=True)
    message = serializers.CharField(allow_null=True)


class HostingEmailInFull(HostingEmail):
    """With content, recipients and timeline."""

    replyTo = HostingMailbox(many=True)
    text = serializers.CharField(allow_null=True)
    html = serializers.CharField(allow_null=True)
    headers = HostingHeader(many=True, help_text="as they are sent")
    attachments = HostingAttachment(many=True)
    metadata = serializers.DictField()
    size = serializers.IntegerField(help_text="bytes of its parts")
    provider = serializers.CharField(allow_null=True)
    providerMessageId = serializers.CharField(allow_null=True)
    recipients = HostingRecipient(many=True)
    timeline = HostingEvent(many=True)


class HostingPagination(serializers.Serializer):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    pages = serializers.IntegerField()
    totalIsExact = serializers.BooleanField(help_text="false: there are at least so many")


class HostingAcceptedAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    data = HostingAccepted()


class HostingEmailAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    data = HostingEmailInFull()


class HostingEmailsAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    data = HostingEmail(many=True)
    pagination = HostingPagination()


class HostingDeleted(serializers.Serializer):
    id = serializers.CharField()
    deleted = serializers.BooleanField()


class HostingDeletedAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    data = HostingDeleted()


class HostingDay(serializers.Serializer):
    """What was told on a day (UTC)."""

    date = serializers.DateField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    bounced = serializers.IntegerField()
    failed = serializers.IntegerField()
    deferred = serializers.IntegerField()
    opened = serializers.IntegerField()
    clicked = serializers.IntegerField()
    complained = serializers.IntegerField()
    unsubscribed = serializers.IntegerField()


class HostingStatistics(serializers.Serializer):
    """Recipients, each counted by itself: what waits now, and what became of all before."""

    total = serializers.IntegerField()
    queued = serializers.IntegerField()
    scheduled = serializers.IntegerField()
    processing = serializers.IntegerField()
    deferred = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="the provider took it")
    delivered = serializers.IntegerField(help_text="of those sent: the mailbox took it")
    bounced = serializers.IntegerField(help_text="refused at once, or later")
    failed = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    unknown = serializers.IntegerField()
    successRate = serializers.FloatField(allow_null=True, help_text="0 to 1: sent, and did not come back")
    averageProcessingMs = serializers.FloatField(allow_null=True, help_text="of the last 24 hours")
    days = HostingDay(many=True)


class HostingStatisticsAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    data = HostingStatistics()
