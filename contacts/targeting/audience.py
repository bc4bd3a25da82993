"""What a marketer asks for: words, not rows."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg import sql


class Parameters(dict[str, Any]):
    """Named parameters of one query."""

    def add(self, value: Any) -> sql.Placeholder:
        name = f"a{len(self)}"
        self[name] = value
        return sql.Placeholder(name)


# A condition on `contacts_contact c` that adds its values to the parameters of its query. It is never NULL.
Condition = Callable[[Parameters], sql.Composable]


class Operator(StrEnum):
    """How an attribute is compared. Where the contact has no value, only IS_NOT and IS_NOT_SET hold."""

    IS = "is"
    IS_NOT = "is_not"
    GREATER = "gt"
    GREATER_OR_EQUAL = "ge"
    LESS = "lt"
    LESS_OR_EQUAL = "le"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IN = "in"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """A condition on an attribute, or on a field every contact has (first_name, last_name, country, timezone).

    Values are compared within their type: the number 5 is not the text "5"; dates are texts like 2026-11-21,
    so they compare as days do. CONTAINS and STARTS_WITH take no notice of upper and lower case. IN takes a tuple.
    """

    key: str
    op: Operator = Operator.IS
    value: str | int | float | bool | tuple[str | int | float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Contacts with all of `tags_all`, one of `tags_any`, none of `exclude_tags` (slugs), and every condition met;
    `within` is one more, of any form: a segment's.

    Of these only active contacts count whose address is on no suppression list. `language` "fr" also
    means fr-ca; empty: any.
    """

    tags_all: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    language: str = ""
    attributes: tuple[AttributeIs, ...] = ()
    within: Condition | None = None
