"""Fields of a tenant's own on its contacts."""

from django.db import IntegrityError, transaction

from common.errors import Conflict, InvalidInput
from contacts.importing.headings import attribute_key, is_attribute_key
from contacts.models import AttributeType, ContactAttribute


def create_attribute(*, label: str, type: str = AttributeType.TEXT, key: str = "") -> ContactAttribute:
    """Make a field; its key, by which mails name it, comes from its label when none is given.

    Raises InvalidInput or Conflict.
    """
    label = _checked_label(label)
    if type not in AttributeType.values:
        raise InvalidInput(
            f"There is no type {type!r}.", field="type", hint=f"Types: {', '.join(AttributeType.values)}."
        )
    key = key.strip() or attribute_key(label)
    if not is_attribute_key(key):
        raise InvalidInput(
            f"{key!r} cannot be a key.",
            field="key",
            hint="Use lower-case letters, digits and underscores; names every contact has, such as email, are taken.",
        )
    try:
        with transaction.atomic():
            return ContactAttribute.objects.create(key=key, label=label, type=type)
    except IntegrityError as error:
        raise Conflict(f"There is a field {key!r} already.", field="key") from error


def rename_attribute(attribute: ContactAttribute, *, label: str) -> ContactAttribute:
    """Call it otherwise; key and type stay, because stored values and mails rely on them. Raises InvalidInput."""
    attribute.label = _checked_label(label)
    attribute.save(update_fields=["label"])
    return attribute


def _checked_label(label: str) -> str:
    label = " ".join(label.split())
    if not label:
        raise InvalidInput("A field needs a label.", field="label")
    return label
