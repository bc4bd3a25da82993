"""The first reading of a file: everything that can be known before anything is changed.

It finds what the wizard shows (columns, what they mean, how many rows will come in and which will not) and
what the import needs (kinds of columns, repeated addresses). A file that would break off halfway is refused here.
"""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.addresses import InvalidAddress
from contacts.importing.decoding import examine
from contacts.importing.fields import Field, Kind
from contacts.importing.kinds import KindGuess
from contacts.importing.layout import Row, sniff_layout
from contacts.importing.plan import Plan, make_plan
from contacts.importing.refusals import FileRefused, NothingInside
from contacts.importing.repeats import repeated_hashes
from contacts.importing.rows import Rows
from contacts.importing.tag_lists import tags_in_cell

MOST_TAGS = 5_000  # in one file; more are not tags but something else
_BLOCK = 1000  # rows whose cells are looked at together
_MOST_EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class InvalidRow:
    line: int
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """rows_total = importable + duplicates + invalid. `invalid_rows` and `ragged_lines` are the first ones.
    `repeated` are hashes of addresses that occur more than once, valid in this process only."""

    plan: Plan
    rows_total: int
    blank_lines: int
    duplicates: int
    invalid: int
    invalid_rows: tuple[InvalidRow, ...]
    ragged: int
    ragged_lines: tuple[int, ...]
    repeated: dict[int, int]

    @property
    def importable(self) -> int:
        return self.rows_total - self.duplicates - self.invalid


def survey_file(
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    delimiter: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Read the whole file once. `progress` is told bytes done and bytes in all.

    Raises FileRefused, with the line where there is one, for a file that cannot be imported as a whole, and
    InvalidInput for a mapping that does not fit it.
    """
    facts = examine(path)
    plan = make_plan(sniff_layout(facts, delimiter=delimiter), mapping)
    columns = _Columns(plan)
    hashes = array("q")
    note = hashes.append
    invalid, examples, valid = 0, list[InvalidRow](), 0
    with Rows(plan.layout, plan.email.index) as rows:
        for line, row, key, extra in rows:
            if key:
                valid += 1
                note(hash(key))
                columns.add(row)
                if valid % _BLOCK == 0 and progress:
                    progress(rows.records.bytes_read(), facts.size)
                continue
            invalid += 1
            if len(examples) < _MOST_EXAMPLES and isinstance(extra, InvalidAddress):
                examples.append(InvalidRow(line, row[plan.email.index], extra.message))
    if not valid + invalid:
        raise NothingInside("The file has a heading line and no rows below it.")
    repeated = repeated_hashes(hashes)
    return Survey(
        plan=columns.plan_with_kinds(),
        rows_total=valid + invalid,
        blank_lines=rows.blank_lines,
        duplicates=sum(repeated.values()) - len(repeated),
        invalid=invalid,
        invalid_rows=tuple(examples),
        ragged=rows.ragged,
        ragged_lines=tuple(rows.ragged_lines),
        repeated=repeated,
    )


class _Columns:
    """Lets each column's cells pass before its guess, until nothing more can change."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        guessed = {Field.ATTRIBUTE, Field.CONSENT_AT}
        self._guesses = {
            column.index: KindGuess(column.heading, plan.layout.delimiter)
            for column in plan.columns
            if column.field in guessed
        }
        self._open = dict(self._guesses)
        self._tags: set[str] = set()
        self._tag_columns = plan.having(Field.TAGS)
        self._block: list[Row] = []

    def add(self, row: Row) -> None:
        self._block.append(row)
        if len(self._block) == _BLOCK:
            self._look()

    def plan_with_kinds(self) -> Plan:
        self._look()
        kinds: dict[int, Kind | None] = {}
        for index, guess in self._guesses.items():
            kinds[index] = guess.kind() if guess.filled else None
        return self._plan.with_kinds(kinds)

    def _look(self) -> None:
        for index, guess in list(self._open.items()):
            guess.observe({row[index].strip() for row in self._block})
            if guess.settled:
                del self._open[index]
        for column in self._tag_columns:
            for cell in {row[column.index] for row in self._block}:
                self._tags.update(tags_in_cell(cell))
            if len(self._tags) > MOST_TAGS:
                raise FileRefused(
                    f"“{column.heading}” would make more than {MOST_TAGS:,} tags.",
                    hint="Say that this column is something else, for instance an attribute.",
                )
        self._block.clear()
