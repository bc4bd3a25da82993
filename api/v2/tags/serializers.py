"""The wire format of tags (V7 to V11)."""

from rest_framework import serializers

from api.v2.fields import Id, Text


class TagBody(serializers.Serializer):
    """A tag as it is answered."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    contact_count = serializers.IntegerField(help_text="contacts of any status that have it, exactly")


class NewTag(serializers.Serializer):
    """A tag to make. Name or slug can be left out, not both."""

    tenant_id = Id(required=False)
    slug = Text(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text="letters, digits, - and _; made from the name when left out",
    )
    name = Text(required=False, allow_blank=True, max_length=120, help_text="the slug when left out")
    description = Text(required=False, allow_blank=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if not attrs.get("name") and not attrs.get("slug"):
            raise serializers.ValidationError({"name": "A tag needs a name."})
        return attrs


class TagChanges(serializers.Serializer):
    """What is left out stays as it is."""

    slug = Text(required=False, max_length=80, help_text="stays as it is: campaigns are aimed by it")
    name = Text(required=False, max_length=120)
    description = Text(required=False, allow_blank=True)
