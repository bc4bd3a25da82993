"""The shapes of the webhooks' doors."""

from rest_framework import serializers


class ReceivedAnswer(serializers.Serializer):
    """What became of a call. A call that comes again, byte for byte, counts once."""

    success = serializers.BooleanField()
    source = serializers.CharField()
    call_id = serializers.IntegerField(help_text="under this number the body is kept, for 30 days")
    duplicate = serializers.BooleanField(help_text="the same body had come before")
    events = serializers.IntegerField(help_text="events in the body, as far as they were read")
    applied = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="events that were told before")
    ignored = serializers.IntegerField(help_text="events about mail or addresses that are not here")


class EventBody(serializers.Serializer):
    """One event. A bounce has a bounce_type; `message_id` is the Message-ID of the mail, or the token of its links."""

    event = serializers.ChoiceField(
        choices=["delivered", "opened", "clicked", "unsubscribed", "complained", "blocked", "bounced"]
    )
    message_id = serializers.CharField(required=False)
    email = serializers.CharField(required=False, help_text="enough for unsubscribed, complained and hard bounces")
    event_id = serializers.CharField(required=False, help_text="the same id counts once")
    timestamp = serializers.DateTimeField(required=False)
    bounce_type = serializers.ChoiceField(choices=["hard", "soft"], required=False)
    link = serializers.IntegerField(required=False, min_value=0, max_value=32767)
    ip = serializers.CharField(required=False)
    user_agent = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)


class EventsBody(serializers.Serializer):
    """Up to 10,000 events; a single event or a bare list is taken as well."""

    events = EventBody(many=True)


class EchoAnswer(serializers.Serializer):
    """What arrived, as it was understood."""

    success = serializers.BooleanField()
    tenant_id = serializers.IntegerField()
    method = serializers.CharField()
    content_type = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="bytes")
    headers = serializers.DictField(child=serializers.CharField(), help_text="without keys and cookies")
    body = serializers.JSONField(help_text="as JSON, or as text where it is none")


class DoorsAnswer(serializers.Serializer):
    """Whether calls can be kept just now."""

    status = serializers.ChoiceField(choices=["healthy", "unhealthy"])
    database = serializers.BooleanField()
    endpoints = serializers.ListField(child=serializers.CharField())
    timestamp = serializers.DateTimeField()
