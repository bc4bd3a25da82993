"""What is written on a contact, checked: language, time zone, attributes by their types."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import available_timezones

from common.errors import InvalidInput
from contacts.importing.headings import attribute_key, is_attribute_key
from contacts.importing.places import country_in_cell
from contacts.models import AttributeType, ContactAttribute

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_LONGEST_LANGUAGE = 12
_LONGEST_COUNTRY = 64
_LONGEST_NAME = 500
_LONGEST_ATTRIBUTES = 64 * 1024  # characters of JSON
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_UNFIT_FOR_LINE = re.compile("[\x00-\x1f\ud800-\udfff]").search
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]").search
# As JSON writes a NUL: an even number of backslashes before it belongs to the text.
_WRITTEN_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000").search


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


def checked_line(name: str, text: str) -> str:
    """A name or a country without spaces around it; the country as imports spell it. Raises InvalidInput."""
    line = text.strip()
    longest = _LONGEST_COUNTRY if name == "country" else _LONGEST_NAME
    if len(line) > longest or _UNFIT_FOR_LINE(line):
        raise InvalidInput(f"{name} must be one line of at most {longest} characters.", field=name)
    return country_in_cell(line) if name == "country" else line


@lru_cache(maxsize=1000)
def checked_language(text: str) -> str:
    """`fr_CA` becomes fr-ca. Raises InvalidInput."""
    language = text.strip().replace("_", "-").lower()
    if language and (len(language) > _LONGEST_LANGUAGE or not _LANGUAGE.fullmatch(language)):
        raise InvalidInput(f"{text[:40]!r} is no language.", field="language", hint="Write a code like fr or pt-br.")
    return language


def checked_timezone(text: str) -> str:
    """Raises InvalidInput for a zone that the time zone database does not know."""
    zone = text.strip()
    if zone and zone not in _zones():
        raise InvalidInput(f"{text[:64]!r} is no time zone.", field="timezone", hint="Write a name like Europe/Paris.")
    return zone


def merged_attributes(given: Mapping[str, object], before: Mapping[str, object]) -> dict[str, object]:
    """The attributes with the given ones put in. New keys become attributes of the tenant. Raises InvalidInput."""
    attributes_json(given)
    types = dict(ContactAttribute.objects.filter(key__in=list(given)).values_list("key", "type"))
    merged = dict(before)
    for key, value in given.items():
        if value is None:
            merged.pop(key, None)
            continue
        if key not in types:
            types[key] = _new_attribute(key, value)
        merged[key] = checked_value(key, types[key], value)
    return merged


def attributes_json(attributes: Mapping[str, object]) -> str:
    """As the database takes them. Raises InvalidInput for what it would not take, and for more than 64 KiB."""
    try:
        text = _to_json(attributes)
    except (ValueError, RecursionError):
        raise InvalidInput(
            "The attributes hold a number or a depth that cannot be stored.", field="attributes"
        ) from None
    if len(text) > _LONGEST_ATTRIBUTES:
        raise InvalidInput("The attributes are longer than 64 KiB.", field="attributes")
    if _UNSTORABLE(text) or _WRITTEN_NUL(text):
        raise InvalidInput("The attributes hold a character that cannot be stored.", field="attributes")
    return text


def checked_key(key: str) -> str:
    """Raises InvalidInput for what cannot be a new attribute's key."""
    if not is_attribute_key(key):
        hint = f"For instance: {attribute_key(key)!r}."
        raise InvalidInput(f"{key[:80]!r} cannot be an attribute's key.", field="attributes", hint=hint)
    return key


def checked_value(key: str, kind: str, value: object) -> object:
    """The value, when it is of the attribute's type. Raises InvalidInput."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"The attribute {key!r} must be a finite number.", field="attributes")
    fits = _FITS[kind](value)
    if not fits:
        label = AttributeType(kind).label.lower()
        raise InvalidInput(f"The attribute {key!r} holds {label}, not {str(value)[:80]!r}.", field="attributes")
    return value


def type_of(value: object) -> str:
    """The type that an attribute gets by its first value."""
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int | float):
        return AttributeType.NUMBER
    return AttributeType.TEXT if isinstance(value, str) else AttributeType.JSON


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _new_attribute(key: str, value: object) -> str:
    kind = type_of(value)
    made, _ = ContactAttribute.objects.get_or_create(key=checked_key(key), defaults={"label": key, "type": kind})
    return made.type


def _is_date(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_FITS: dict[str, Callable[[object], bool]] = {
    AttributeType.TEXT: lambda value: isinstance(value, str),
    AttributeType.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    AttributeType.BOOLEAN: lambda value: isinstance(value, bool),
    AttributeType.DATE: _is_date,
    AttributeType.JSON: lambda value: True,
}
