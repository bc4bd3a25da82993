"""The wire format of contacts."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v2.fields import Id, Moment, Text
from common.addresses import InvalidAddress, parse_address
from contacts.models import ContactStatus

_ATTRIBUTES = "fields of the tenant's own, each of one type: text, number, yes or no, date, list or object"


class EmailAddress(Text):
    """An address that mail can be sent to."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=320, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            parse_address(text)
        except InvalidAddress as error:
            raise serializers.ValidationError(error.message) from None
        return text


class ConsentBody(serializers.Serializer):
    """That the person agreed to get mail: when, from which IP address, to what."""

    at = Moment(required=False, allow_null=True, help_text="now when left out")
    ip = serializers.IPAddressField(required=False, allow_null=True)
    note = Text(required=False, allow_blank=True, max_length=2000)


class ContactBody(serializers.Serializer):
    """A contact as it is answered."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    language = serializers.CharField(help_text="BCP 47, lower case: fr, pt-br")
    timezone = serializers.CharField(help_text="as in the time zone database: Europe/Paris")
    country = serializers.CharField(help_text="ISO 3166 where it is known: FR")
    status = serializers.ChoiceField(choices=ContactStatus.choices)
    tags = serializers.ListField(child=serializers.CharField(), help_text="slugs")
    attributes = serializers.DictField(help_text=_ATTRIBUTES)
    source_id = serializers.IntegerField(allow_null=True)
    consent = ConsentBody()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ContactChanges(serializers.Serializer):
    """What is left out stays as it is."""

    email = EmailAddress(required=False)
    first_name = Text(required=False, allow_blank=True, max_length=500)
    last_name = Text(required=False, allow_blank=True, max_length=500)
    language = Text(required=False, allow_blank=True, max_length=40)
    timezone = Text(required=False, allow_blank=True, max_length=64)
    country = Text(required=False, allow_blank=True, max_length=64)
    status = serializers.ChoiceField(
        choices=ContactStatus.choices,
        required=False,
        help_text="what forbids mail goes on the suppression list; nobody is made mailable again here",
    )
    tags = serializers.ListField(
        child=Text(max_length=80), required=False, max_length=100, help_text="slugs of tags that exist; all of them"
    )
    attributes = serializers.DictField(required=False, help_text=f"{_ATTRIBUTES}; null removes one")
    source_id = Id(required=False, allow_null=True)
    consent = ConsentBody(required=False)


class NewContact(ContactChanges):
    """A contact to make. Only `email` is needed."""

    tenant_id = Id(required=False)
    email = EmailAddress()
    status = serializers.ChoiceField(
        choices=[("active", "may be mailed"), ("unconfirmed", "is not mailed until it confirms")],
        required=False,
        help_text="active when left out; an address on the suppression list is not mailed, whatever is said here",
    )


class FilterBody(serializers.Serializer):
    """Which contacts: everything that is said must hold; `{}` means all.

    A condition that is not known is refused: to ignore it would reach more contacts than were meant.
    """

    q = Text(required=False, allow_blank=True, max_length=320, help_text="beginning of an address or a name")
    status = serializers.ChoiceField(choices=ContactStatus.choices, required=False)
    tag = serializers.ListField(
        child=Text(max_length=80), required=False, max_length=50, help_text="all of these slugs"
    )
    tag_any = serializers.ListField(
        child=Text(max_length=80), required=False, max_length=50, help_text="one of these slugs"
    )
    exclude_tag = serializers.ListField(
        child=Text(max_length=80), required=False, max_length=50, help_text="none of these slugs"
    )
    language = Text(required=False, allow_blank=True, max_length=40, help_text="fr means fr-ca too")
    country = Text(required=False, allow_blank=True, max_length=64)
    source_id = Id(required=False)
    created_after = Moment(required=False)
    created_before = Moment(required=False)
    updated_after = Moment(required=False)
    attribute = serializers.DictField(required=False, help_text="attributes that must be equal, by key")

    def to_internal_value(self, data: Any) -> Any:
        unknown = [name for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({str(unknown[0]): "There is no such condition."})
        return super().to_internal_value(data)


class BulkContact(serializers.Serializer):
    """One contact of many. What is left out, "" or null stays as it is."""

    email = serializers.CharField()
    first_name = serializers.CharField(required=False, allow_null=True)
    last_name = serializers.CharField(required=False, allow_null=True)
    language = serializers.CharField(required=False, allow_null=True)
    timezone = serializers.CharField(required=False, allow_null=True)
    country = serializers.CharField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=ContactStatus.choices, required=False, allow_null=True)
    tags = serializers.ListField(
        child=serializers.CharField(), required=False, allow_null=True, help_text="are added; made where they are not"
    )
    attributes = serializers.DictField(required=False, allow_null=True)
    consent = serializers.DictField(
        child=serializers.CharField(), required=False, allow_null=True, help_text="at (with its zone) and ip"
    )


@extend_schema_field(BulkContact(many=True))
class Rows(serializers.Field):
    """A list whose items are checked one by one, each refused by itself."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("This must be a list.")
        return data

    def to_representation(self, value: list[Any]) -> list[Any]:
        return value


class BulkBody(serializers.Serializer):
    """Up to 10,000 contacts in one call."""

    mode = serializers.ChoiceField(
        choices=[
            ("update", "Known contacts get what is said"),
            ("add", "Known contacts stay as they are but for the tags"),
        ],
        default="update",
    )
    tags = serializers.ListField(
        child=Text(max_length=80), required=False, max_length=100, help_text="for all of them; made where they are not"
    )
    source_id = Id(required=False, allow_null=True, help_text="of new contacts")
    contacts = Rows()


class BulkResult(serializers.Serializer):
    """What became of one row."""

    index = serializers.IntegerField(help_text="from 0, as the rows were given")
    status = serializers.ChoiceField(
        choices=[
            ("created", "Created"),
            ("updated", "Updated"),
            ("unchanged", "Unchanged"),
            ("duplicate", "An earlier row has the same address"),
            ("invalid", "Not taken"),
        ]
    )
    id = serializers.IntegerField(allow_null=True)
    message = serializers.CharField(help_text="what is wrong; empty when nothing is")


class BulkAnswer(serializers.Serializer):
    """The counts add up to the rows."""

    tenant_id = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    invalid = serializers.IntegerField()
    results = BulkResult(many=True)


class TaggingBody(serializers.Serializer):
    """Which contacts, in one of three ways, and which tags."""

    contact_ids = serializers.ListField(child=Id(), required=False, max_length=10_000)
    emails = serializers.ListField(child=EmailAddress(), required=False, max_length=10_000)
    filter = FilterBody(required=False)
    tags = serializers.ListField(child=Text(max_length=80), min_length=1, max_length=50, help_text="slugs")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("contact_ids", "emails", "filter")) != 1:
            raise serializers.ValidationError("Say which contacts, by one of contact_ids, emails and filter.")
        return attrs


class ChangedAnswer(serializers.Serializer):
    """How many contacts are not as they were."""

    changed = serializers.IntegerField()


class ErasedAnswer(serializers.Serializer):
    """What was erased, and what is kept."""

    contact_id = serializers.IntegerField()
    suppressed = serializers.BooleanField(help_text="whether the address stands on the suppression list")
    rejected_rows = serializers.IntegerField(help_text="rows that imports refused and that held the address")
    scrubbed_rows = serializers.IntegerField(help_text="records of mail without its machines, programs and replies now")


class ContactPage(serializers.Serializer):
    """`total` only with `?count=true`."""

    items = ContactBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    total = serializers.IntegerField(required=False)
