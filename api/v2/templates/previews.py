"""A mail as one person would get it: whom to show it for, and what is shown."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v2.fields import Id, Text
from campaigns.services.previewing import Preview

_MOST_ATTRIBUTES = 200
_DEEPEST = 10


@extend_schema_field({"type": "object", "additionalProperties": True})
class Attributes(serializers.JSONField):
    """An object of values by the names of fields."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.")
        if len(data) > _MOST_ATTRIBUTES or not _is_shallow(data, _DEEPEST):
            raise serializers.ValidationError("These are too many values, or they are nested too deeply.")
        return data


class PersonBody(serializers.Serializer):
    """A contact by its id or address, values in place of its own, or values alone."""

    contact_id = Id(required=False)
    email = Text(max_length=320, required=False)
    attributes = Attributes(required=False, help_text="by the names of the template's fields: first_name, language, …")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "contact_id" in attrs and "email" in attrs:
            raise serializers.ValidationError({"email": "Give the contact's id or its address, not both."})
        return attrs


class PreviewAnswer(serializers.Serializer):
    """What the person would see."""

    template_id = serializers.IntegerField(help_text="the version that this person gets")
    language = serializers.CharField(help_text="of that version; empty: any")
    category = serializers.CharField(help_text="of that version; empty: any")
    contact_id = serializers.IntegerField(allow_null=True)
    email = serializers.CharField()
    subject = serializers.CharField()
    preheader = serializers.CharField()
    html = serializers.CharField(help_text="empty for a mail of text only")
    text = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    empty_fields = serializers.ListField(
        child=serializers.CharField(), help_text="asked for by the template, and this person has none"
    )


def preview_fields(preview: Preview) -> dict[str, Any]:
    """As PreviewAnswer says."""
    return {
        "template_id": preview.template.pk,
        "language": preview.template.language,
        "category": preview.template.category,
        "contact_id": preview.person.contact_id,
        "email": preview.person.email,
        "subject": preview.subject,
        "preheader": preview.preheader,
        "html": preview.html,
        "text": preview.text,
        "warnings": list(preview.warnings),
        "empty_fields": list(preview.empty_fields),
    }


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(_is_shallow(one, depth - 1) for one in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_shallow(one, depth - 1) for one in value)
    return True
