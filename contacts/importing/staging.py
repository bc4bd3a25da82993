"""From a checked row to the values of a contact, as text for PostgreSQL's COPY."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address

from common.addresses import Address
from contacts.importing.attributes import SPREAD, AttributeWriter
from contacts.importing.fields import Field, Kind
from contacts.importing.layout import Row
from contacts.importing.names import split_full_name, tidy_name
from contacts.importing.notes import Notes
from contacts.importing.places import country_in_cell, language_in_cell, timezone_in_cell
from contacts.importing.plan import Plan
from contacts.importing.standing import Standing
from contacts.importing.tag_lists import tags_in_cell, unique_tags
from contacts.importing.values import moment_day_first, moment_month_first, moment_year_first

# The columns of a staged row, in order; the ids of its tags come behind them. A cell of "" means: not given.
COLUMNS = (
    "line",
    "email",
    "email_key",
    "needs_smtputf8",
    "first_name",
    "last_name",
    "language",
    "timezone",
    "country",
    "status",
    "consent_at",
    "consent_ip",
    "attributes",
)

AcceptedRow = tuple[int, Row, str, Address | None]  # line, cells, key, and the address where it is unusual
StagedRow = tuple[str, tuple[str, ...]]


class Stager:
    """Turns rows into staged rows: their cells in one string as COPY reads it, and the names of their tags.

    `known` are the types of the tenant's attributes, `tags` go to every row. What a cell cannot be read as
    is left out and noted.
    """

    def __init__(self, plan: Plan, *, known: Mapping[str, str], tags: Iterable[str], notes: Notes) -> None:
        self.attributes = AttributeWriter(plan.columns, known=known, delimiter=plan.layout.delimiter, notes=notes)
        self._standing = Standing(plan, notes)
        self._notes = notes
        self._email = plan.email.index
        self._nowhere = len(plan.columns)
        index = _cell_indexes(plan)
        self._names = index[Field.FIRST_NAME], index[Field.LAST_NAME], index[Field.FULL_NAME]
        self._places = index[Field.LANGUAGE], index[Field.TIMEZONE], index[Field.COUNTRY]
        self._consent = index[Field.CONSENT_AT], index[Field.CONSENT_IP]
        self._read_moment = _MOMENTS[next((c.kind for c in plan.having(Field.CONSENT_AT)), Kind.DATE)]
        self._tag_cells = [column.index for column in plan.having(Field.TAGS)] or [index[Field.TAGS]]
        self._tags_for_all = unique_tags(list(tags))

    def stage(self, rows: list[AcceptedRow]) -> list[StagedRow]:
        """A few thousand rows at once: working by columns halves the cost."""
        lines = [line for line, _, _, _ in rows]
        cells = [row for _, row, _, _ in rows]
        attributes = self.attributes.write(lines, cells)
        language, timezone, country = self._places
        consent_at, consent_ip = self._consent
        columns = (
            map(str, lines),
            [address.text if address else _as_written(row[self._email], key) for _, row, key, address in rows],
            [key for _, _, key, _ in rows],
            ["t" if address and address.needs_smtputf8 else "f" for _, _, _, address in rows],
            *map(_escaped, self._names_of(cells)),
            self._read(language_in_cell, language, "a language", lines, cells),
            self._read(timezone_in_cell, timezone, "a time zone", lines, cells),
            _escaped([country_in_cell(row[country]) for row in cells]),
            self._standing.of(lines, cells),
            self._read(self._read_moment, consent_at, "a time of consent", lines, cells),
            self._read(_ip_in_cell, consent_ip, "an IP address", lines, cells),
            _escaped(attributes),
        )
        return list(zip(map("\t".join, zip(*columns, strict=True)), self._tags_of(cells), strict=True))

    def _names_of(self, rows: list[Row]) -> tuple[list[str], list[str]]:
        first, last, full = self._names
        names = [
            split_full_name(row[full])
            if row[full] and not row[first] and not row[last]
            else (tidy_name(row[first]), tidy_name(row[last]))
            for row in rows
        ]
        return [name[0] for name in names], [name[1] for name in names]

    def _read(
        self, read: Callable[[str], str | None], index: int, what: str, lines: list[int], rows: list[Row]
    ) -> list[str]:
        if index == self._nowhere:
            return [""] * len(rows)
        values = [read(row[index]) for row in rows]
        if None in values:
            for line, row, value in zip(lines, rows, values, strict=True):
                if value is None:
                    self._notes.add(f"Some cells are not {what} that is known; they were left out.", line, row[index])
        return [value or "" for value in values]

    def _tags_of(self, rows: list[Row]) -> Iterable[tuple[str, ...]]:
        if len(self._tag_cells) == 1 and not self._tags_for_all:
            index = self._tag_cells[0]
            return [tags_in_cell(row[index]) for row in rows]
        return [_merged(self._tags_for_all, *[tags_in_cell(row[index]) for index in self._tag_cells]) for row in rows]


def copy_text(rows: Iterable[StagedRow], tag_ids: Mapping[tuple[str, ...], str]) -> bytes:
    """The rows in COPY's text format; `tag_ids` gives the array literal for each combination of tags.

    https://www.postgresql.org/docs/current/sql-copy.html, File Formats, Text Format.
    """
    lines = [f"{cells}\t{tag_ids[tags]}\n" for cells, tags in rows]
    return "".join(lines).encode("utf-8", "replace")


def _cell_indexes(plan: Plan) -> dict[Field, int]:
    """Where each field stands in a row. Behind the columns stand an empty cell, for what the file does not
    have, and then what a JSON column said."""
    nowhere = len(plan.columns)
    index = dict.fromkeys(Field, nowhere)
    if plan.having(Field.JSON):
        index.update({field: nowhere + number for number, field in enumerate(SPREAD, 1)})
    index.update({column.field: column.index for column in reversed(plan.columns)})
    return index


def _escaped(column: list[str]) -> list[str]:
    """Texts of people, for COPY: all other columns hold nothing that must be escaped."""
    together = "".join(column)
    if not any(char in together for char in "\\\t\n\r"):
        return column
    return [
        cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r") for cell in column
    ]


def _as_written(cell: str, key: str) -> str:
    """An ordinary address in the writer's own case, its domain in lower case."""
    if cell == key:
        return key
    local, _, domain = cell.rpartition("@")
    return f"{local}@{domain.lower()}"


@lru_cache(maxsize=20_000)
def _merged(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return unique_tags([tag for tags in lists for tag in tags])


@lru_cache(maxsize=5000)
def _ip_in_cell(cell: str) -> str | None:
    try:
        return str(ip_address(cell.strip()))
    except ValueError:
        return None if cell.strip() else ""


def _moment_reader(read: Callable[[str], str | None]) -> Callable[[str], str | None]:
    return lambda cell: read(cell.strip()) if cell.strip() else ""


_MOMENTS = {
    **dict.fromkeys(Kind, _moment_reader(moment_year_first)),
    Kind.DATE_DMY: _moment_reader(moment_day_first),
    Kind.DATE_MDY: _moment_reader(moment_month_first),
}
