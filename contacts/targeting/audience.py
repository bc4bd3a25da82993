"""What a marketer asks for: words, not rows."""

from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """How an attribute is compared. Where the contact has no value, only IS_NOT and IS_NOT_SET hold."""

    IS = "is"
    IS_NOT = "is_not"
    GREATER = "gt"
    GREATER_OR_EQUAL = "ge"
    LESS = "lt"
    LESS_OR_EQUAL = "le"
    CONTAINS = "contains"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """A condition on an attribute, or on a field every contact has (first_name, last_name, country, timezone).

    Values are compared within their type: the number 5 is not the text "5"; dates are texts like 2026-11-21,
    so they compare as days do. CONTAINS takes no notice of upper and lower case.
    """

    key: str
    op: Operator = Operator.IS
    value: str | int | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Contacts with all of `tags_all`, one of `tags_any`, none of `exclude_tags` (slugs), and every condition met.

    Of these only active contacts count whose address is on no suppression list. `language` "fr" also
    means fr-ca; empty: any.
    """

    tags_all: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    language: str = ""
    attributes: tuple[AttributeIs, ...] = ()
