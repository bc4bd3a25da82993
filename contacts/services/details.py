"""What is written on a contact, checked: language, time zone, attributes by their types."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from common.errors import InvalidInput
from contacts.importing.headings import attribute_key, is_attribute_key
from contacts.models import AttributeType, ContactAttribute

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LONGEST_LANGUAGE = 12


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """What a person or a program says about a contact; None: nothing, so it stays as it is.

    `tags` are slugs and replace the contact's tags. `attributes` are added to the contact's; one whose value is
    None is removed.
    """

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    timezone: str | None = None
    country: str | None = None
    tags: tuple[str, ...] | None = None
    attributes: Mapping[str, object] | None = None


def checked_language(text: str) -> str:
    """`fr_CA` becomes fr-ca. Raises InvalidInput."""
    language = text.strip().replace("_", "-").lower()
    if language and (len(language) > _LONGEST_LANGUAGE or not _LANGUAGE.fullmatch(language)):
        raise InvalidInput(f"{text!r} is no language.", field="language", hint="Write a code like fr or pt-br.")
    return language


def checked_timezone(text: str) -> str:
    """Raises InvalidInput for a zone that the time zone database does not know."""
    zone = text.strip()
    if zone and zone not in _zones():
        raise InvalidInput(f"{text!r} is no time zone.", field="timezone", hint="Write a name like Europe/Paris.")
    return zone


def merged_attributes(given: Mapping[str, object], before: Mapping[str, object]) -> dict[str, object]:
    """The attributes with the given ones put in. New keys become attributes of the tenant. Raises InvalidInput."""
    types = dict(ContactAttribute.objects.filter(key__in=given).values_list("key", "type"))
    merged = dict(before)
    for key, value in given.items():
        if value is None:
            merged.pop(key, None)
            continue
        if key not in types:
            types[key] = _new_attribute(key, value)
        merged[key] = _checked_value(key, types[key], value)
    return merged


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _new_attribute(key: str, value: object) -> str:
    if not is_attribute_key(key):
        raise InvalidInput(
            f"{key!r} cannot be an attribute's key.", field="attributes", hint=f"For instance: {attribute_key(key)!r}."
        )
    kind = _type_of(value)
    made, _ = ContactAttribute.objects.get_or_create(key=key, defaults={"label": key, "type": kind})
    return made.type


def _checked_value(key: str, kind: str, value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"The attribute {key!r} must be a finite number.", field="attributes")
    fits = {
        AttributeType.TEXT: isinstance(value, str),
        AttributeType.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        AttributeType.BOOLEAN: isinstance(value, bool),
        AttributeType.DATE: isinstance(value, str) and _is_date(value),
        AttributeType.JSON: True,
    }[AttributeType(kind)]
    if not fits:
        label = AttributeType(kind).label.lower()
        raise InvalidInput(f"The attribute {key!r} holds {label}, not {value!r}.", field="attributes")
    return value


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int | float):
        return AttributeType.NUMBER
    return AttributeType.TEXT if isinstance(value, str) else AttributeType.JSON


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
