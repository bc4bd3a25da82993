"""The attributes of a row as one JSON object, written without building one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from contacts.importing.fields import Field, Kind
from contacts.importing.headings import attribute_key, field_of_heading
from contacts.importing.layout import Row
from contacts.importing.notes import Notes
from contacts.importing.plan import MOST_COLUMNS, Column
from contacts.importing.values import READERS, ReadValue, read_boolean, read_date, read_text

# The fields that an object's members may fill.
SPREAD = (
    Field.FIRST_NAME,
    Field.LAST_NAME,
    Field.FULL_NAME,
    Field.LANGUAGE,
    Field.TIMEZONE,
    Field.COUNTRY,
    Field.TAGS,
)
MOST_MEMBERS = 200  # of one object
_BROKEN = "The JSON of some rows is broken; they come in without what it holds."
_DATE, _DATE_AND_TIME = len("2026-11-21"), len("2026-11-21 10:05:00")


@dataclass(frozen=True, slots=True)
class _Writer:
    """`read` gives the JSON literal of a cell; nothing for an empty one, or for one that does not fit."""

    index: int
    prefix: str
    read: ReadValue
    heading: str
    key: str
    may_misfit: bool


class AttributeWriter:
    """Writes the attributes of rows. `known` are the types that the tenant's attributes have already: a cell that
    does not fit its attribute's type is left out and noted. `found` collects new attributes: label and type."""

    def __init__(self, columns: tuple[Column, ...], *, known: Mapping[str, str], delimiter: str, notes: Notes) -> None:
        self.found: dict[str, tuple[str, str]] = {}
        self._known = known
        self._notes = notes
        self._writers: list[_Writer] = []
        self._json = [column.index for column in columns if column.field is Field.JSON]
        self._members: dict[str, tuple[Field | None, str]] = {}
        for column in columns:
            if column.field is Field.ATTRIBUTE:
                wanted = known.get(column.key, column.kind.type)
                self.found.update({} if column.key in known else {column.key: (column.heading[:120], wanted)})
                self._writers.append(
                    _Writer(
                        column.index,
                        f"{encode_basestring(column.key)}: ",
                        _reader(column.kind, wanted, delimiter),
                        column.heading,
                        column.key,
                        may_misfit=wanted not in (column.kind.type, "text", "json"),
                    )
                )

    def write(self, lines: list[int], rows: list[Row]) -> list[str]:
        """The JSON texts of the rows' attributes. Where a column holds objects, every row gets more cells: one
        for each field of `SPREAD`, with what the object says about it."""
        columns = [self._column(writer, lines, rows) for writer in self._writers]
        if self._json:
            columns.append([self._spread(row, line) for line, row in zip(lines, rows, strict=True)])
        if not columns:
            return ["{}"] * len(rows)
        return ["{" + ", ".join(filter(None, members)) + "}" for members in zip(*columns, strict=True)]

    def _column(self, writer: _Writer, lines: list[int], rows: list[Row]) -> list[str]:
        index, prefix = writer.index, writer.prefix
        cells = [row[index] for row in rows]
        if writer.read is read_text:
            return [prefix + encode_basestring(cell) if cell and not cell.isspace() else "" for cell in cells]
        literals = list(map(writer.read, cells))
        if writer.may_misfit:
            for line, cell, literal in zip(lines, cells, literals, strict=True):
                if literal is None and cell.strip():
                    self._notes.add(_misfit(writer.heading, writer.key), line, cell)
        return [prefix + literal if literal else "" for literal in literals]

    def _spread(self, row: Row, line: int) -> str:
        fields: dict[Field, str] = {}
        parts = []
        for index in self._json:
            for name, value in self._object(row[index], line).items():
                if value is None:
                    continue
                field, key = self._member(name)
                if field:
                    fields[field] = _as_cell(value)
                    continue
                literal = self._literal(key, name, value, line)
                if literal is not None:
                    parts.append(f"{encode_basestring(key)}: {literal}")
        row.extend(fields.get(field, "") for field in SPREAD)
        return ", ".join(parts)

    def _object(self, cell: str, line: int) -> dict[str, Any]:
        if not cell.strip():
            return {}
        try:
            found = json.loads(cell.replace("\\u0000", ""), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or len(found) > MOST_MEMBERS:
            self._notes.add(_BROKEN, line)
            return {}
        return found

    def _member(self, name: str) -> tuple[Field | None, str]:
        known = self._members.get(name)
        if known is None:
            heading = field_of_heading(name)
            field = heading[0] if heading and heading[0] in SPREAD else None
            known = (field, attribute_key(name))
            if len(self._members) < 10 * MOST_MEMBERS:
                self._members[name] = known
        return known

    def _literal(self, key: str, name: str, value: Any, line: int) -> str | None:
        try:
            literal = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (ValueError, RecursionError):
            self._notes.add(_BROKEN, line)
            return None
        if key not in self.found and key not in self._known and len(self.found) >= MOST_COLUMNS:
            self._notes.add(f"The rows' JSON holds more than {MOST_COLUMNS:,} names; others are left out.", line, name)
            return None
        kind = _type_of(value)
        wanted = self._known.get(key) or self.found.setdefault(key, (name[:120], kind))[1]
        if wanted in (kind, "json"):
            return literal
        fitting = _reader(Kind.TEXT, wanted, ",")(value if isinstance(value, str) else literal)
        if fitting is None:
            self._notes.add(_misfit(name, key), line, literal)
        return fitting


def _misfit(heading: str, key: str) -> str:
    return f"“{heading}” holds values that do not fit the type of {key}; they were left out."


def _reader(kind: Kind, wanted: str, delimiter: str) -> ReadValue:
    """How cells that are written as `kind` become values of the type `wanted`."""
    if wanted == "text":
        return read_text
    if wanted == "json":
        return _read_json
    if kind.type == wanted:  # the survey has seen every cell: no need to look again
        return _SURVEYED.get(kind) or _stripped(READERS[kind])
    number = Kind.NUMBER_ENGLISH if delimiter == "," else Kind.NUMBER_COMMA
    ways: dict[str, list[ReadValue]] = {
        "number": [READERS[Kind.NUMBER], READERS[number]],
        "date": [READERS[Kind.DATE], READERS[Kind.DATE_DMY]],
        "boolean": [read_boolean, {"1": "true", "0": "false"}.get],
    }
    return _stripped(_first_of(ways[wanted]))


def _read_surveyed_date(cell: str) -> str | None:
    if cell[4:5] == "-" == cell[7:8]:
        if len(cell) == _DATE:
            return f'"{cell}"'
        if len(cell) == _DATE_AND_TIME and cell[13] == ":" == cell[16]:
            return f'"{cell[:10]}T{cell[11:]}"'
    return read_date(cell.strip())


_SURVEYED: dict[Kind, ReadValue] = {Kind.NUMBER: str.strip, Kind.DATE: _read_surveyed_date}


def _read_json(cell: str) -> str | None:
    try:
        return json.dumps(json.loads(cell, parse_constant=_refuse_constant), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return read_text(cell) if cell.strip() else None


def _stripped(read: ReadValue) -> ReadValue:
    return lambda cell: read(cell.strip())


def _first_of(ways: list[ReadValue]) -> ReadValue:
    return lambda cell: next((literal for read in ways if (literal := read(cell)) is not None), None)


def _refuse_constant(name: str) -> Callable[[], None]:
    raise ValueError(f"{name} is not JSON.")


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "json"


def _as_cell(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else str(value)
