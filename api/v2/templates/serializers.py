"""Templates as they go over the wire, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.documentation import ErrorBody
from api.v2.fields import Id, Text
from campaigns.models import Template

LONGEST_PART = 1_000_000  # characters


class TemplateWords(serializers.Serializer):
    """What an author writes."""

    subject = Text(max_length=500, trim_whitespace=False)
    preheader = Text(max_length=300, allow_blank=True, trim_whitespace=False, required=False)
    html = Text(max_length=LONGEST_PART, allow_blank=True, trim_whitespace=False, required=False)
    text = Text(
        max_length=LONGEST_PART,
        allow_blank=True,
        trim_whitespace=False,
        required=False,
        help_text="empty: made from the HTML",
    )


class TemplateBody(TemplateWords):
    """One version of a template. Those of one name are its versions in languages and categories."""

    tenant_id = Id(required=False, help_text="left out: the key's tenant")
    name = Text(max_length=120)
    language = Text(max_length=12, allow_blank=True, required=False, help_text="fr, pt-br; empty: any")
    category = Text(max_length=60, allow_blank=True, required=False, help_text="empty: any")


class TemplateHead(serializers.Serializer):
    """A version as it stands in lists."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()
    subject = serializers.CharField()
    preheader = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TemplateAnswer(TemplateHead):
    """A version with its parts."""

    html = serializers.CharField()
    text = serializers.CharField()


class TemplatePage(serializers.Serializer):
    """A page of versions, the newest first."""

    items = TemplateHead(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class TemplateQuery(serializers.Serializer):
    """What a list of templates can be narrowed to. An empty language or category finds the versions for any."""

    name = Text(max_length=120, required=False)
    language = Text(max_length=12, required=False, allow_blank=True)
    category = Text(max_length=60, required=False, allow_blank=True)


class TemplatePlace(serializers.Serializer):
    """Where in a template something is wrong, counted from 1."""

    part = serializers.CharField(help_text="subject, preheader, html or text")
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    excerpt = serializers.CharField(help_text="what stands there")


class TemplateErrorBody(ErrorBody):
    """An error; `details` is there when it is about a place in the template (code template_fault)."""

    details = TemplatePlace(required=False)


class TemplateErrorAnswer(serializers.Serializer):
    """The shape of errors, with the place in the template where there is one."""

    error = TemplateErrorBody()


class TemplateProblem(TemplatePlace):
    """One thing that keeps the template from being sent."""

    message = serializers.CharField()


class TemplateField(serializers.Serializer):
    """A value of a contact that the template asks for."""

    name = serializers.CharField()
    kind = serializers.CharField(help_text="text, or json: numbers, lists and objects as such")
    needs_default = serializers.BooleanField(help_text="shown without a default: empty where a contact has none")


class TemplateLink(serializers.Serializer):
    """A link that will be tracked."""

    url = serializers.CharField()
    needs = serializers.ListField(child=serializers.CharField(), help_text="fields that are filled in at the click")


class TemplateCheck(serializers.Serializer):
    """What there is to say about a template that was not saved."""

    ok = serializers.BooleanField(help_text="whether it can be sent")
    errors = TemplateProblem(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    links = TemplateLink(many=True)
    tier = serializers.CharField(
        allow_null=True, help_text="how it is made, the fastest first: segments, jinja, full; null: it cannot be sent"
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        # `fields` means something else to a serializer's class.
        return {**super().get_fields(), "fields": TemplateField(many=True)}


def head_fields(template: Template, tenant_id: int) -> dict[str, Any]:
    """As TemplateHead says."""
    return {
        "id": template.pk,
        "tenant_id": tenant_id,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "subject": template.subject,
        "preheader": template.preheader,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def template_fields(template: Template, tenant_id: int) -> dict[str, Any]:
    """As TemplateAnswer says."""
    return {**head_fields(template, tenant_id), "html": template.html, "text": template.text}
