"""The tree as a person gave it: words, not rows. `place` is where in the JSON something stands, for instance all.1."""

from dataclasses import dataclass, field
from enum import StrEnum

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]


class Comparison(StrEnum):
    """How a value is compared. Where a contact has none, only IS_NOT and UNKNOWN hold."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    BEFORE = "before"
    AFTER = "after"
    WITHIN_DAYS = "within_days"
    KNOWN = "known"
    UNKNOWN = "unknown"


class Deed(StrEnum):
    """What a contact did with a campaign's mail, or what became of it."""

    OPENED = "opened"
    CLICKED = "clicked"
    RECEIVED = "received"
    BOUNCED = "bounced"


class FieldName(StrEnum):
    """What every contact has."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    LANGUAGE = "language"
    COUNTRY = "country"
    TIMEZONE = "timezone"
    STATUS = "status"
    EMAIL_DOMAIN = "email_domain"
    CREATED_AT = "created_at"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts: everybody."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Tagged:
    slug: str
    place: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Attribute:
    key: str
    comparison: Comparison
    value: Value
    place: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Field:
    name: FieldName
    comparison: Comparison
    value: Value
    place: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Did:
    """With the mail of one campaign, or of any; at any time, or in the last days; a click on any link, or on this URL."""

    deed: Deed
    campaign_id: int | None = None
    within_days: int | None = None
    link: str = ""
    place: str = field(compare=False, default="")


Leaf = Tagged | Attribute | Field | Did
Node = All | Any | Not | Leaf


def leaves_of(node: Node) -> list[Leaf]:
    """All of them, from left to right."""
    match node:
        case All(parts) | Any(parts):
            return [leaf for part in parts for leaf in leaves_of(part)]
        case Not(part):
            return leaves_of(part)
        case _:
            return [node]
