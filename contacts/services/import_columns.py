"""What the columns of an uploaded file seem to be, as it is kept with the import and shown to whoever confirms it."""

from collections.abc import Mapping

from contacts.importing.layout import Layout
from contacts.importing.plan import Plan, make_plan
from contacts.importing.refusals import NoAddressColumn

_MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 100

# heading, field (a field's name or an attribute's key; "" where nobody knows yet), examples
FoundColumn = dict[str, str | list[str]]


def guessed_columns(layout: Layout, mapping: Mapping[str, str]) -> list[FoundColumn]:
    """The columns with what they are taken for. Where nobody can tell which one holds the addresses, nothing is
    guessed: a person must say. Raises FileRefused and InvalidInput."""
    try:
        return found_columns(make_plan(layout, mapping))
    except NoAddressColumn:
        return [_column(layout, index, "") for index in range(len(layout.columns))]


def found_columns(plan: Plan, *, examples: int = _MOST_EXAMPLES) -> list[FoundColumn]:
    """The columns with what the plan makes of them. What is kept for long is kept without examples: they are
    people's data."""
    return [_column(plan.layout, column.index, column.key or column.field.value, examples) for column in plan.columns]


def _column(layout: Layout, index: int, field: str, most: int = _MOST_EXAMPLES) -> FoundColumn:
    cells = (cell.replace("\0", "")[:_LONGEST_EXAMPLE] for cell in layout.cells(index))
    examples = list(dict.fromkeys(cells))[:most]
    return {"heading": layout.columns[index].replace("\0", ""), "field": field, "examples": examples}
