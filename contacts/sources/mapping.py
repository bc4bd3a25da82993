"""Which part of an item becomes which field: `{"email": "contact.email", "company": "org.name"}`."""

from collections.abc import Mapping
from typing import Any

from common.errors import InvalidInput
from contacts.importing.headings import is_attribute_key

FIELDS = (
    "email",
    "first_name",
    "last_name",
    "full_name",
    "language",
    "timezone",
    "country",
    "tags",
    "status",
    "consent_at",
    "consent_ip",
)
_ATTRIBUTE = "attributes."


def read_source_mapping(mapping: Mapping[str, str], *, needs_email: bool) -> dict[str, str]:
    """The mapping with `attributes.company` written as `company`. Raises InvalidInput for a name that is neither a
    field nor the key of an attribute, and for a source of which nobody knows where the addresses are."""
    found: dict[str, str] = {}
    for name, path in mapping.items():
        key = name.removeprefix(_ATTRIBUTE)
        if name not in FIELDS and not is_attribute_key(key):
            raise InvalidInput(
                f"“{name[:60]}” is neither a field nor the key of an attribute.",
                field="config.mapping",
                hint=f"Fields are {', '.join(FIELDS)}; a key is made of lower-case letters, digits and underscores.",
            )
        found[key] = path
    if needs_email and "email" not in found:
        raise InvalidInput("Say where an item's address stands.", field="config.mapping.email")
    return found


def at_path(value: Any, path: str) -> Any:
    """What stands at `emails.0.value`; None where the path leads nowhere. The empty path is the value itself."""
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdecimal():
            value = value[int(step)] if len(step) < 6 and int(step) < len(value) else None
        else:
            return None
    return value
