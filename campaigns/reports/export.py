"""A campaign's recipients as CSV."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from campaigns.models import Campaign
from campaigns.reports.recipients import RecipientPage, RecipientRow, recipients

_ROWS_AT_ONCE = 2_000
_COLUMNS = (
    "email", "first_name", "last_name", "state", "attempts", "code", "reason", "at",
    "opened_at", "clicked_at", "opens", "clicks", "unsubscribed_at", "complained_at",
)  # fmt: skip
# What makes a spreadsheet take a text for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_recipients(*, campaign: Campaign, state: str = "", search: str = "") -> Iterator[str]:
    """Lines of CSV with CRLF ends, a heading first; memory stays flat. Times are ISO 8601.

    Read page by page in the order of the recipients: nobody comes twice, no transaction is held open, and who
    changes state on the way is told as he is when his turn comes. Raises InvalidInput for an unknown state.
    """
    first = recipients(campaign=campaign, state=state, search=search, limit=_ROWS_AT_ONCE)
    return _lines(campaign, state, search, first)


def _lines(campaign: Campaign, state: str, search: str, page: RecipientPage) -> Iterator[str]:
    yield _line(_COLUMNS)
    while True:
        yield from map(_as_line, page.rows)
        if not page.after:
            return
        page = recipients(campaign=campaign, state=state, search=search, after=page.after, limit=_ROWS_AT_ONCE)


def _as_line(row: RecipientRow) -> str:
    return _line([_cell(getattr(row, name)) for name in _COLUMNS])


def _cell(value: str | int | datetime | None) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value)


def _line(cells: tuple[str, ...] | list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
