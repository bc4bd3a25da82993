"""High-water marks: the newest change a source told us about, and how it is asked for what is newer.

Kept as ISO 8601 in UTC, or as digits where the source counts changes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from contacts.sources.config import Since
from contacts.sources.mapping import at_path

# What was changed within the same second, or was written by a slower clock, is asked for twice rather than never.
_OVERLAP = timedelta(minutes=1)
_MILLISECONDS = 10**11  # as seconds this would be the year 5138


def mark_to_send(since: Since, mark: str) -> str:
    """How the mark is written in a request."""
    if since.format == "number":
        return mark
    moment = datetime.fromisoformat(mark) - _OVERLAP
    if since.format == "epoch":
        return str(int(moment.timestamp()))
    return moment.date().isoformat() if since.format == "date" else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def newest_mark(since: Since, items: Iterable[Any], before: str, *, now: datetime) -> str:
    """The newest of the items' marks and the one before. A mark of the future counts as now: else one item with a wrong
    date would hide all that comes after it."""
    if not since.path:
        return before
    if since.format == "number":
        numbers = [number for item in items if (number := _number(at_path(item, since.path))) is not None]
        return str(max([*numbers, int(before or 0)])) if numbers else before
    moments = [moment for item in items if (moment := _moment(at_path(item, since.path)))]
    if before:
        moments.append(datetime.fromisoformat(before))
    return min(max(moments), now).isoformat(timespec="seconds") if moments else before


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**19 else None


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
