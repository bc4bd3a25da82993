"""What can be compared with what: the comparisons of each type, and the values these take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeGuard

from common.errors import InvalidInput
from contacts.models import AttributeType
from contacts.segments.parsing import MOST_DAYS
from contacts.segments.tree import Attribute, Comparison, Field, Value

_FIRST_YEAR, _LAST_YEAR = 1000, 9998
_HAVING = (Comparison.KNOWN, Comparison.UNKNOWN)
TEXTS = (
    Comparison.IS, Comparison.IS_NOT, Comparison.IN, Comparison.CONTAINS, Comparison.STARTS_WITH, *_HAVING,
)  # fmt: skip
# Comparisons with single words.
WORDS = (Comparison.IS, Comparison.IS_NOT, Comparison.IN)
MOMENTS = (Comparison.BEFORE, Comparison.AFTER, Comparison.BETWEEN, Comparison.WITHIN_DAYS)
COMPARISONS: Mapping[str, tuple[Comparison, ...]] = {
    AttributeType.TEXT: TEXTS,
    AttributeType.NUMBER: (
        Comparison.IS, Comparison.IS_NOT, Comparison.IN, Comparison.ABOVE, Comparison.BELOW, Comparison.BETWEEN, *_HAVING,
    ),
    AttributeType.BOOLEAN: (Comparison.IS, Comparison.IS_NOT, *_HAVING),
    AttributeType.DATE: (Comparison.IS, Comparison.IS_NOT, *MOMENTS, *_HAVING),
    AttributeType.JSON: (Comparison.CONTAINS, *_HAVING),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A day in UTC, whose end is the first moment of the next, or a moment."""

    begins: datetime
    ends: datetime

    @property
    def is_moment(self) -> bool:
        return self.begins == self.ends


def refuse_other_comparisons(leaf: Attribute | Field, known: tuple[Comparison, ...], *, what: str) -> None:
    """Raises InvalidInput at the comparison; `what` is compared, for instance "a number"."""
    if leaf.comparison not in known:
        message = f"{what} cannot be compared with {leaf.comparison.value!r}."
        raise InvalidInput(message, field=at(leaf), hint=f"It has one of: {', '.join(known)}.")
    if leaf.comparison in _HAVING and leaf.value is not True:
        raise InvalidInput("This is true, or left out.", field=at(leaf))


def text(leaf: Attribute | Field) -> str:
    if not isinstance(leaf.value, str):
        raise InvalidInput("This must be text.", field=at(leaf))
    return leaf.value


def texts(leaf: Attribute | Field) -> tuple[str, ...]:
    if not isinstance(leaf.value, tuple) or not all(isinstance(one, str) for one in leaf.value):
        raise InvalidInput("This must be a list of texts.", field=at(leaf))
    return tuple(str(one) for one in leaf.value)


def number(leaf: Attribute | Field) -> int | float:
    if not _is_number(leaf.value):
        raise InvalidInput("This must be a number.", field=at(leaf))
    return leaf.value


def numbers(leaf: Attribute | Field, *, exactly: int | None = None) -> tuple[int | float, ...]:
    given = leaf.value if isinstance(leaf.value, tuple) else ()
    found = tuple(one for one in given if _is_number(one))
    if not found or len(found) != len(given) or exactly not in (None, len(found)):
        raise InvalidInput(f"This must be a list of {exactly or ''} numbers.".replace("  ", " "), field=at(leaf))
    return found


def answer(leaf: Attribute | Field) -> bool:
    if not isinstance(leaf.value, bool):
        raise InvalidInput("This must be true or false.", field=at(leaf))
    return leaf.value


def day(leaf: Attribute | Field) -> date:
    return _day(leaf.value, at(leaf))


def two_days(leaf: Attribute | Field) -> tuple[date, date]:
    """Of `between`; both belong to it."""
    first, last = _two(leaf)
    return _day(first, f"{at(leaf)}.0"), _day(last, f"{at(leaf)}.1")


def span(given: Value, place: str) -> Span:
    """Of a date like 2026-11-21, or of a time with its zone."""
    if isinstance(given, str) and len(given) > len("2026-11-21"):
        moment = _moment(given, place)
        return Span(moment, moment)
    begins = datetime.combine(_day(given, place), datetime.min.time(), UTC)
    return Span(begins, begins + timedelta(days=1))


def two_spans(leaf: Field) -> tuple[Span, Span]:
    """Of `between`; both belong to it."""
    first, last = _two(leaf)
    return span(first, f"{at(leaf)}.0"), span(last, f"{at(leaf)}.1")


def days(leaf: Attribute | Field) -> int:
    """How many of `within_days`."""
    value = leaf.value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DAYS:
        raise InvalidInput(f"This must be a whole number from 0 to {MOST_DAYS}.", field=at(leaf))
    return value


def at(leaf: Attribute | Field) -> str:
    """The place of what is compared with."""
    return f"{leaf.place}.{leaf.comparison}" if leaf.place else leaf.comparison.value


def _two(leaf: Attribute | Field) -> tuple[Value, Value]:
    if not isinstance(leaf.value, tuple) or len(leaf.value) != 2:
        raise InvalidInput("This must be a list of two: from and to.", field=at(leaf))
    return leaf.value[0], leaf.value[1]


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _day(given: Value, place: str) -> date:
    try:
        found = date.fromisoformat(given) if isinstance(given, str) and len(given) == len("2026-11-21") else None
    except ValueError:
        found = None
    if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InvalidInput("This must be a date like 2026-11-21.", field=place)
    return found


def _moment(given: str, place: str) -> datetime:
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        message = "This must be a date, or a time with its zone, as in 2026-03-01T09:00:00Z."
        raise InvalidInput(message, field=place)
    return found
