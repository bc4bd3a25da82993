"""Which column of a file becomes which field of ours: a person's word first, then headings, then cells."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from contacts.importing.email_column import find_email_column
from contacts.importing.fields import Field, Kind
from contacts.importing.headings import attribute_key, field_of_heading
from contacts.importing.layout import Layout
from contacts.importing.mapping import SHARED, read_mapping
from contacts.importing.places import language_in_cell
from contacts.importing.refusals import FileRefused
from contacts.importing.statuses import status_of_word, yes_or_no

MOST_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is set for attributes; `kind` is known after the survey."""

    index: int
    heading: str
    field: Field
    key: str = ""
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Plan:
    layout: Layout
    columns: tuple[Column, ...]

    @property
    def email(self) -> Column:
        return self.having(Field.EMAIL)[0]

    def having(self, field: Field) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.field is field)

    def with_kinds(self, kinds: Mapping[int, Kind | None]) -> "Plan":
        """The plan with the kinds that the survey found; None marks a column without any cell."""
        return replace(self, columns=tuple(_with_kind(column, kinds) for column in self.columns))


def make_plan(layout: Layout, mapping: Mapping[str, str] | None = None) -> Plan:
    """The plan for a file. `mapping` gives, for headings, the name of a Field or the key of an attribute.

    Raises FileRefused for too many columns, NoAddressColumn where nobody knows which column holds the
    addresses, InvalidInput for a mapping that does not fit the file.
    """
    if len(layout.columns) > MOST_COLUMNS:
        raise FileRefused(
            f"The file has {len(layout.columns):,} columns; at most {MOST_COLUMNS:,} can be imported.",
            hint="Remove those that you do not need.",
        )
    targets = read_mapping(layout.columns, mapping or {})
    fields = {index: target.field for index, target in targets.items()}
    if Field.EMAIL not in fields.values():
        fields[find_email_column(layout, taken=fields)] = Field.EMAIL
    if layout.header_line:
        _add_by_headings(layout, fields)
        _settle_names(fields)
    else:
        _guess_name(layout, fields)
    keys = {index: target.key for index, target in targets.items() if target.key}
    return Plan(layout, tuple(_columns(layout.columns, fields, keys)))


def _with_kind(column: Column, kinds: Mapping[int, Kind | None]) -> Column:
    kind = kinds.get(column.index, column.kind)
    return replace(column, field=Field.SKIP, key="") if kind is None else replace(column, kind=kind)


def _add_by_headings(layout: Layout, fields: dict[int, Field]) -> None:
    """Surest words first: where two headings mean one field, the other column becomes an attribute."""
    for _, index, field in sorted(_offers(layout, fields), key=lambda offer: offer[:2]):
        free = field in SHARED or field not in fields.values()
        if free and _cells_fit(field, layout.cells(index)):
            fields[index] = field


def _offers(layout: Layout, fields: Mapping[int, Field]) -> Iterator[tuple[int, int, Field]]:
    for index, heading in enumerate(layout.columns):
        found = field_of_heading(heading)
        if found and index not in fields:
            yield found[1], index, found[0]


def _cells_fit(field: Field, cells: list[str]) -> bool:
    """Some headings promise what only their cells can keep: "Status" is often about something else."""
    test = _TESTS.get(field)
    return test is None or not cells or 2 * sum(map(test, cells)) >= len(cells)


_TESTS: dict[Field, Callable[[str], bool]] = {
    Field.STATUS: lambda cell: status_of_word(cell) is not None,
    Field.OPTED_IN: lambda cell: yes_or_no(cell) is not None,
    Field.OPTED_OUT: lambda cell: yes_or_no(cell) is not None,
    Field.JSON: lambda cell: cell.startswith("{"),
    Field.LANGUAGE: lambda cell: language_in_cell(cell) is not None,
}


def _settle_names(fields: dict[int, Field]) -> None:
    """Beside a first name, "Name" is the last name (as in German and French lists), or nothing of ours."""
    given = set(fields.values())
    if Field.FIRST_NAME not in given and Field.LAST_NAME not in given:
        return
    for index, field in fields.items():
        if field is Field.FULL_NAME:
            fields[index] = Field.ATTRIBUTE if Field.LAST_NAME in given else Field.LAST_NAME


def _guess_name(layout: Layout, fields: dict[int, Field]) -> None:
    """Without headings: the other one of two columns is the name when it holds words."""
    others = [index for index in range(len(layout.columns)) if index not in fields]
    if len(layout.columns) == 2 and len(others) == 1:
        cells = layout.cells(others[0])
        if cells and all(not any(char.isdigit() or char == "@" for char in cell) for cell in cells):
            fields[others[0]] = Field.FULL_NAME


def _columns(headings: tuple[str, ...], fields: dict[int, Field], keys: dict[int, str]) -> Iterator[Column]:
    taken = set(keys.values())
    for index, heading in enumerate(headings):
        field = fields.get(index, Field.ATTRIBUTE)
        key = ""
        if field is Field.ATTRIBUTE:
            key = keys.get(index) or _free_key(attribute_key(heading), taken)
            taken.add(key)
        yield Column(index, heading, field, key)


def _free_key(key: str, taken: set[str]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key[:58]}_{number}"
    return free
