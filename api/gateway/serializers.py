"""Shapes of the gateway's bodies, for the documentation: what is taken is decided in `reading`."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class GatewayEmail(serializers.Serializer):
    """What `POST /api/v1/send` takes."""

    to = serializers.EmailField()
    subject = serializers.CharField(allow_blank=True)
    html_body = serializers.CharField(required=False, help_text="this, text_body or both")
    text_body = serializers.CharField(required=False)
    headers = serializers.DictField(child=serializers.CharField(), required=False)


class GatewayQueued(serializers.Serializer):
    """It is kept and will be sent."""

    message = serializers.CharField()
    message_id = serializers.CharField()


class GatewayDetail(serializers.Serializer):
    """Why not, in a sentence."""

    detail = serializers.CharField()


@extend_schema_field({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}})
class GatewayPlace(serializers.ListField):
    """The way to a fault: names, and numbers in lists."""


class GatewayFault(serializers.Serializer):
    """One thing that is wrong."""

    loc = GatewayPlace(help_text='the way to it, as in ["body", "to"]')
    msg = serializers.CharField()
    type = serializers.CharField(help_text="missing, string_type, value_error, json_invalid, …")


class GatewayFaults(serializers.Serializer):
    """All that is wrong with a body."""

    detail = GatewayFault(many=True)
