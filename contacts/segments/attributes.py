"""Conditions on a tenant's own attributes, in the words that facets and indexes understand."""

from datetime import UTC, date, datetime, timedelta

from contacts.models import AttributeType
from contacts.segments import values
from contacts.segments.conditions import AllOf, Meets, NotOf, Resolved
from contacts.segments.tree import Attribute, Comparison
from contacts.targeting.audience import AttributeIs, Operator

_NAMES = {
    AttributeType.TEXT: "Text",
    AttributeType.NUMBER: "A number",
    AttributeType.BOOLEAN: "Yes or no",
    AttributeType.DATE: "A date",
    AttributeType.JSON: "A list or object",
}


def attribute_condition(leaf: Attribute, type: str, now: datetime) -> Resolved:
    """Raises InvalidInput for a comparison or a value that does not go with the attribute's type."""
    kind = AttributeType(type)
    values.refuse_other_comparisons(leaf, values.COMPARISONS[kind], what=_NAMES[kind])
    if leaf.comparison is Comparison.KNOWN:
        return _meets(leaf, Operator.IS_SET)
    if leaf.comparison is Comparison.UNKNOWN:
        return NotOf(_meets(leaf, Operator.IS_SET))
    if leaf.comparison is Comparison.IS_NOT:
        return NotOf(_same(leaf, kind))
    if leaf.comparison is Comparison.IS:
        return _same(leaf, kind)
    if kind is AttributeType.NUMBER:
        return _number(leaf)
    return _date(leaf, now) if kind is AttributeType.DATE else _text(leaf)


def _same(leaf: Attribute, kind: AttributeType) -> Resolved:
    if kind is AttributeType.DATE:
        found = values.day(leaf)
        return _days(leaf, found, found)
    if kind is AttributeType.NUMBER:
        return _meets(leaf, Operator.IS, values.number(leaf))
    return _meets(leaf, Operator.IS, values.answer(leaf) if kind is AttributeType.BOOLEAN else values.text(leaf))


def _text(leaf: Attribute) -> Resolved:
    match leaf.comparison:
        case Comparison.IN:
            return _meets(leaf, Operator.IN, values.texts(leaf))
        case Comparison.STARTS_WITH:
            return _meets(leaf, Operator.STARTS_WITH, values.text(leaf))
        case _:
            return _meets(leaf, Operator.CONTAINS, values.text(leaf))


def _number(leaf: Attribute) -> Resolved:
    match leaf.comparison:
        case Comparison.IN:
            return _meets(leaf, Operator.IN, values.numbers(leaf))
        case Comparison.ABOVE:
            return _meets(leaf, Operator.GREATER, values.number(leaf))
        case Comparison.BELOW:
            return _meets(leaf, Operator.LESS, values.number(leaf))
        case _:
            lowest, highest = values.numbers(leaf, exactly=2)
            return AllOf(
                (_meets(leaf, Operator.GREATER_OR_EQUAL, lowest), _meets(leaf, Operator.LESS_OR_EQUAL, highest))
            )


def _date(leaf: Attribute, now: datetime) -> Resolved:
    match leaf.comparison:
        case Comparison.BEFORE:
            return _meets(leaf, Operator.LESS, values.day(leaf).isoformat())
        case Comparison.AFTER:
            return _meets(leaf, Operator.GREATER_OR_EQUAL, _next(values.day(leaf)))
        case Comparison.BETWEEN:
            return _days(leaf, *values.two_days(leaf))
        case _:
            today = now.astimezone(UTC).date()
            return _days(leaf, today - timedelta(days=values.days(leaf)), today)


def _days(leaf: Attribute, first: date, last: date) -> Resolved:
    """Stored as 2026-11-21, or as 2026-11-21T10:05:00, which comes after it and before the next day."""
    return AllOf(
        (
            _meets(leaf, Operator.GREATER_OR_EQUAL, first.isoformat()),
            _meets(leaf, Operator.LESS, _next(last)),
        )
    )


def _next(day: date) -> str:
    return (day + timedelta(days=1)).isoformat()


def _meets(
    leaf: Attribute, operator: Operator, value: str | int | float | bool | tuple[str | int | float, ...] | None = None
) -> Meets:
    return Meets(AttributeIs(leaf.key, operator, value))
