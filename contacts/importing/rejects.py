"""Rows that were not imported: kept with their line and reason, and given back as a CSV file to correct."""

import csv
import io
from collections.abc import Iterable, Iterator

from contacts.importing.reading import Reject
from contacts.importing.spreadsheet import REJECT_HEADINGS, safe_row
from contacts.models import Import, ImportReject


def keep_rejects(run: Import, rejects: Iterable[Reject]) -> None:
    """Part of the caller's transaction."""
    ImportReject.objects.bulk_create(
        (ImportReject(run=run, line=line, reason=reason, cells=cells) for line, reason, cells in rejects),
        batch_size=1000,
    )


def rejects_csv(run: Import) -> Iterator[str]:
    """The rejected rows as the lines of a CSV file: line, reason, and the row as it stood, under the file's own
    headings. Safe to open in a spreadsheet; a corrected copy can be imported as it is."""
    headings = run.resume_state.get("columns", [])
    yield _csv_line([*REJECT_HEADINGS, *headings])
    for reject in run.rejects.order_by("line", "id").iterator(chunk_size=2000):
        yield _csv_line([str(reject.line), reject.reason, *reject.cells])


def _csv_line(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(safe_row(cells))
    return out.getvalue()
