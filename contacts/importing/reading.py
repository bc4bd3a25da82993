"""The second reading of a file: its rows as batches ready to be written, in the order of their lines."""

from collections.abc import Generator
from dataclasses import dataclass

from common.addresses import InvalidAddress
from contacts.importing.layout import Row
from contacts.importing.notes import Note, Notes
from contacts.importing.repeats import FirstLines
from contacts.importing.rows import Rows
from contacts.importing.staging import AcceptedRow, StagedRow, Stager
from contacts.importing.survey import Survey

BATCH = 10_000  # rows in one transaction
_BLOCK = 2_000  # rows turned into text at once

Reject = tuple[int, str, Row]  # line, reason, cells


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows up to and with `line`; `position` is the byte to which the file was read for them. `attributes` are
    those that were met until then, label and type by key, and `notes` what was noted."""

    rows: list[StagedRow]
    rejects: list[Reject]
    duplicates: int
    line: int
    position: int
    attributes: dict[str, tuple[str, str]]
    notes: list[Note]


def read_batches(survey: Survey, stager: Stager, notes: Notes, *, after: int) -> Generator[Batch, None, None]:
    """Batches of the rows behind line `after`. The rows before it are read too, for the addresses in them."""
    repeated = bool(survey.repeated)
    firsts = FirstLines(survey.repeated)
    staged: list[StagedRow] = []
    block: list[AcceptedRow] = []
    rejects: list[Reject] = []
    count = duplicates = 0

    def batch(line: int, position: int) -> Batch:
        return Batch(staged, rejects, duplicates, line, position, dict(stager.attributes.found), notes.all())

    line = after
    with Rows(survey.plan.layout, survey.plan.email.index) as rows:
        for line, row, key, extra in rows:
            if line <= after:
                if key:
                    firsts.before(key, line)
                continue
            if isinstance(extra, InvalidAddress):
                rejects.append((line, extra.message, row[:-1]))
            elif repeated and (first := firsts.before(key, line)):
                rejects.append((line, f"Line {first} has the same address.", row[:-1]))
                duplicates += 1
            else:
                block.append((line, row, key, extra))
            count += 1
            if len(block) == _BLOCK or count == BATCH:
                staged += stager.stage(block)
                block = []
            if count == BATCH:
                yield batch(line, rows.records.bytes_read())
                staged, rejects, count, duplicates = [], [], 0, 0
    staged += stager.stage(block)
    yield batch(line, survey.plan.layout.facts.size)
