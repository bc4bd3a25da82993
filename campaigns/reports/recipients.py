"""A campaign's recipients one by one, page after page, in the order in which they were frozen.

A recipient is a position of one of the campaign's messages. Who has no outcome yet has no row: he stands in a chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from campaigns.models import Campaign
from campaigns.reports import queries
from common.database import connection
from common.errors import InvalidInput
from outbound.models import Message
from outbound.services.planning import CHUNK_SIZE
from outbound.states import RecipientState

LARGEST_PAGE = 5_000
_MOST_FOUND = 200


class RecipientFilter(StrEnum):
    """What a list of recipients can be narrowed to."""

    ALL = ""
    QUEUED = "queued"
    DEFERRED = "deferred"
    SENT = "sent"  # the provider took it, and nothing else is known
    DELIVERED = "delivered"  # taken, and not bounced
    BOUNCED = "bounced"
    BOUNCED_HARD = "bounced_hard"
    BOUNCED_SOFT = "bounced_soft"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient and what became of him. The contact's fields are empty when it was erased."""

    message_id: int
    position: int
    contact_id: int | None
    email: str
    first_name: str
    last_name: str
    state: str  # the label of outbound.states.RecipientState
    attempts: int
    code: int | None
    reason: str
    at: datetime | None
    next_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    opens: int
    clicks: int
    unsubscribed_at: datetime | None
    complained_at: datetime | None

    @property
    def cursor(self) -> str:
        return f"{self.message_id}-{self.position}"


@dataclass(frozen=True, slots=True)
class RecipientPage:
    """`after` is the cursor of the next page; empty on the last one."""

    rows: tuple[RecipientRow, ...]
    after: str


@dataclass(frozen=True, slots=True)
class _Part:
    message_id: int
    month: date
    total: int


def recipients(
    *, campaign: Campaign, state: str = "", search: str = "", after: str = "", limit: int = 50
) -> RecipientPage:
    """A page of at most `limit` recipients (5,000 at most) that come after the cursor `after`.

    `state` is a RecipientFilter. `search` finds addresses that begin with it, two hundred at most. Raises
    InvalidInput for an unknown state or a cursor that is none.
    """
    wanted = _checked_state(state)
    first_message, first_position = _checked_cursor(after)
    limit = max(1, min(limit, LARGEST_PAGE))
    rows: list[RecipientRow] = []
    for part in _parts(campaign, first_message):
        begin = first_position + 1 if part.message_id == first_message else 0
        positions = _positions(part, wanted, search.strip(), begin, limit + 1 - len(rows))
        rows += _rows_at(part, positions)
        if len(rows) > limit:
            return RecipientPage(tuple(rows[:limit]), rows[limit - 1].cursor)
    return RecipientPage(tuple(rows), "")


def _parts(campaign: Campaign, first_message: int) -> list[_Part]:
    messages = Message.objects.filter(campaign_part__campaign=campaign, pk__gte=first_message).order_by("pk")
    return [_Part(*row) for row in messages.values_list("pk", "month", "total")]


def _positions(part: _Part, wanted: RecipientFilter, search: str, begin: int, limit: int) -> list[int]:
    """Positions from `begin` on, in order, at most `limit`."""
    if search:
        found = _found(part, search)
        return _kept(part, wanted, [position for position in found if position >= begin])[:limit]
    if wanted is RecipientFilter.ALL:
        return list(range(begin, min(part.total, begin + limit)))
    if wanted is RecipientFilter.QUEUED:
        return [position for position, _ in zip(_queued(part, begin), range(limit), strict=False)]
    query = queries.positions(wanted.value)
    parameters = {"month": part.month, "message": part.message_id, "begin": begin, "limit": limit}
    return [row[0] for row in _execute(query, parameters)]


def _queued(part: _Part, begin: int) -> Iterator[int]:
    """Chunk by chunk: what is not in them has an outcome, and what is has at most a thousand positions."""
    chunks = _execute(queries.OPEN_CHUNKS, {"message": part.message_id, "begin": begin})
    for first, size in chunks:
        parameters = {
            "month": part.month,
            "message": part.message_id,
            "first": max(first, begin),
            "last": first + size - 1,
        }
        yield from (row[0] for row in _execute(queries.WITHOUT_ROW, parameters))


def _found(part: _Part, search: str) -> list[int]:
    pattern = search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    parameters = {"message": part.message_id, "pattern": pattern, "most": _MOST_FOUND}
    return [row[0] for row in _execute(queries.SEARCH, parameters)]


def _kept(part: _Part, wanted: RecipientFilter, positions: list[int]) -> list[int]:
    """Those of a few positions that the filter keeps."""
    if wanted is RecipientFilter.ALL or not positions:
        return positions
    parameters = {"month": part.month, "message": part.message_id, "positions": positions}
    return [row[0] for row in _execute(queries.kept(wanted.value), parameters)]


def _rows_at(part: _Part, positions: list[int]) -> list[RecipientRow]:
    if not positions:
        return []
    parameters = {
        "month": part.month,
        "message": part.message_id,
        "positions": positions,
        "chunk": CHUNK_SIZE,
    }
    return [_row(part.message_id, row) for row in _execute(queries.ROWS, parameters)]


def _row(message_id: int, row: tuple[Any, ...]) -> RecipientRow:
    position, contact_id, email, first_name, last_name, state, attempts, code, reason, at, next_at, *engaged = row
    opened_at, clicked_at, opens, clicks, unsubscribed_at, complained_at = engaged
    return RecipientRow(
        message_id=message_id,
        position=position,
        contact_id=contact_id,
        email=email or "",
        first_name=first_name or "",
        last_name=last_name or "",
        state=RecipientState(state or 0).label,
        attempts=attempts or 0,
        code=code,
        reason=reason or "",
        at=at,
        next_at=next_at,
        opened_at=opened_at,
        clicked_at=clicked_at,
        opens=opens or 0,
        clicks=clicks or 0,
        unsubscribed_at=unsubscribed_at,
        complained_at=complained_at,
    )


def _checked_state(state: str) -> RecipientFilter:
    try:
        return RecipientFilter(state)
    except ValueError:
        known = ", ".join(one for one in RecipientFilter if one)
        raise InvalidInput(
            f"Recipients cannot be filtered by {state!r}.", field="state", hint=f"States: {known}."
        ) from None


def _checked_cursor(after: str) -> tuple[int, int]:
    if not after:
        return 0, -1
    message_id, _, position = after.partition("-")
    if not (message_id.isdecimal() and position.isdecimal() and len(after) < 30):
        raise InvalidInput("This is no cursor of a list of recipients.", field="after")
    return int(message_id), int(position)


def _execute(query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
