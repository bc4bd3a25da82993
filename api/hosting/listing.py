"""What `GET /api/v1/emails` is asked for: filters and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from api.hosting.answers import STATUS
from api.hosting.reading import read_moment
from common.errors import InvalidInput
from outbound.submission.details import MessageFilter

LARGEST_LIMIT = 100
LONGEST_DAYS = 366
_LIMIT = 20
_DAYS = 30
# Whoever wants more narrows the list: a page costs as much as all before it.
_FARTHEST = 100_000
_STATES = {word: state.value for state, word in STATUS.items()}


@dataclass(frozen=True, slots=True)
class Page:
    """`number` begins with 1."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.limit


def page_of(query: Mapping[str, str]) -> Page:
    """`page` and `limit`. Raises InvalidInput."""
    limit = _number(query, "limit", default=_LIMIT, most=LARGEST_LIMIT)
    return Page(_number(query, "page", default=1, most=_FARTHEST // limit), limit)


def filter_of(query: Mapping[str, str]) -> MessageFilter:
    """`status`, `from`, `to`, `createdAfter` and `createdBefore`. Raises InvalidInput."""
    status = query.get("status", "")
    if status and status not in _STATES:
        raise InvalidInput("There is no such status.", field="status", hint=f"There are: {', '.join(_STATES)}.")
    return MessageFilter(
        state=_STATES.get(status, ""),
        sender=query.get("from", ""),
        recipient=query.get("to", ""),
        created_from=_moment(query, "createdAfter"),
        created_to=_moment(query, "createdBefore"),
    )


def days_of(query: Mapping[str, str]) -> tuple[date, date]:
    """The first and the last of the `days` up to today (UTC). Raises InvalidInput."""
    days, today = _number(query, "days", default=_DAYS, most=LONGEST_DAYS), datetime.now(UTC).date()
    return today - timedelta(days=days - 1), today


def _number(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= most:
        raise InvalidInput(f"This is a number from 1 to {most}.", field=name)
    return int(given)


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    return read_moment(query[name], name) if query.get(name) else None
