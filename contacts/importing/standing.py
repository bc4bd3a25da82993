"""Whether a row's contact may be mailed, as far as the file says anything about it."""

from functools import lru_cache

from contacts.importing.fields import Field
from contacts.importing.layout import Row
from contacts.importing.notes import Notes
from contacts.importing.plan import Plan
from contacts.importing.statuses import (
    ACTIVE,
    BOUNCED,
    UNCONFIRMED,
    UNSUBSCRIBED,
    gravest,
    status_of_word,
    yes_or_no,
)

_ABOUT_STANDING = (Field.STATUS, Field.OPTED_IN, Field.OPTED_OUT, Field.UNSUBSCRIBED_AT, Field.BOUNCED_AT)


class Standing:
    """Reads the status of rows; the gravest word of a row counts, and an unknown one never makes mailable."""

    def __init__(self, plan: Plan, notes: Notes) -> None:
        self._columns = [column for column in plan.columns if column.field in _ABOUT_STANDING]
        self._notes = notes

    def of(self, lines: list[int], rows: list[Row]) -> list[str]:
        """Our status for each row, or "" where it says nothing."""
        if not self._columns:
            return [""] * len(rows)
        return [self._of_row(line, row) for line, row in zip(lines, rows, strict=True)]

    def _of_row(self, line: int, row: Row) -> str:
        statuses = []
        for column in self._columns:
            cell = row[column.index]
            status = _status(column.field, cell) if cell else ""
            if status is None:
                self._notes.add(
                    f"“{column.heading}” holds words that are no status we know;"
                    " these contacts are not mailed until they confirm.",
                    line,
                    cell,
                )
                status = UNCONFIRMED
            if status:
                statuses.append(status)
        return gravest(statuses)


@lru_cache(maxsize=5000)
def _status(field: Field, cell: str) -> str | None:
    """None for a word nobody knows."""
    if not cell.strip():
        return ""
    if field is Field.UNSUBSCRIBED_AT:
        return UNSUBSCRIBED
    if field is Field.BOUNCED_AT:
        return BOUNCED
    if field is Field.STATUS:
        return status_of_word(cell)
    answer = yes_or_no(cell)
    if field is Field.OPTED_OUT:  # a date or a reason in such a column means that they left
        return "" if answer is False else UNSUBSCRIBED
    if answer is None:
        return None
    return ACTIVE if answer else UNCONFIRMED
