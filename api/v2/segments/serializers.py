"""The wire format of segments."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v2.contacts.serializers import ContactBody
from api.v2.fields import Id, Text
from contacts.models import Segment
from contacts.services.segments import LONGEST_DESCRIPTION, LONGEST_NAME

_TREE = (
    "Conditions: `all`, `any` and `not` around `tag`, `attribute`, `field` (each of the last two with one comparison), `opened`, "
    "`clicked`, `received`, `bounced`. What is not understood is refused at its place, for instance tree.all.1.attribute."
)


@extend_schema_field({"type": "object", "additionalProperties": True, "description": _TREE})
class Tree(serializers.Field):
    """Conditions; contacts.segments reads them."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SegmentChanges(serializers.Serializer):
    """What is left out stays as it is."""

    name = Text(required=False, max_length=LONGEST_NAME)
    description = Text(required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION)
    tree = Tree(required=False)


class NewSegment(SegmentChanges):
    """A segment to make."""

    tenant_id = Id(required=False)
    name = Text(max_length=LONGEST_NAME)
    tree = Tree()


class TreeBody(serializers.Serializer):
    """Conditions to try."""

    tree = Tree()


class SegmentBody(serializers.Serializer):
    """A segment. Its size is that of `counted_at`; null: it was not counted since its tree was changed."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    tree = Tree()
    last_count = serializers.IntegerField(allow_null=True)
    last_mailable = serializers.IntegerField(allow_null=True)
    counted_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SegmentPage(serializers.Serializer):
    """A page of segments."""

    items = SegmentBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SegmentContacts(serializers.Serializer):
    """A page of a segment's contacts, mailable or not."""

    items = ContactBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SegmentSize(serializers.Serializer):
    """How many contacts it has."""

    segment_id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    count = serializers.IntegerField(help_text="contacts that match")
    mailable = serializers.IntegerField(help_text="of these: active, and on no suppression list")
    counted_at = serializers.DateTimeField()


class SampleContact(serializers.Serializer):
    """A contact in short."""

    id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    language = serializers.CharField()
    country = serializers.CharField()
    status = serializers.CharField()


class TriedAnswer(serializers.Serializer):
    """What conditions would give."""

    count = serializers.IntegerField(help_text="contacts that match")
    mailable = serializers.IntegerField(help_text="of these: active, and on no suppression list")
    sample = SampleContact(many=True, help_text="the newest, at most 20")
    took_ms = serializers.FloatField()


def segment_body(segment: Segment, tenant_id: int) -> dict[str, Any]:
    """As SegmentBody says."""
    return {
        "id": segment.pk,
        "tenant_id": tenant_id,
        "name": segment.name,
        "description": segment.description,
        "tree": segment.tree,
        "last_count": segment.last_count,
        "last_mailable": segment.last_mailable,
        "counted_at": segment.counted_at,
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
    }
