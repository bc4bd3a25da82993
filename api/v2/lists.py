"""Long lists in pages: by key, never by offset, so that page 10,000 costs what page 1 costs."""

import base64
import binascii
from typing import Any

from rest_framework.request import Request

from common.errors import InvalidInput

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500


def limit_of(request: Request, *, default: int = DEFAULT_LIMIT, most: int = LARGEST_LIMIT) -> int:
    """`?limit=`. Raises InvalidInput."""
    given = request.query_params.get("limit", "")
    if not given:
        return default
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= most:
        raise InvalidInput(f"The limit is a number from 1 to {most}.", field="limit")
    return int(given)


def cursor_of(request: Request) -> int | None:
    """The id behind `?cursor=`, as `next_cursor` of the page before gave it. Raises InvalidInput."""
    given = request.query_params.get("cursor", "")
    if not given:
        return None
    try:
        return int(base64.b64decode(given.encode(), altchars=b"-_", validate=True).decode())
    except (ValueError, binascii.Error, UnicodeError):
        raise InvalidInput("This cursor was not made here.", field="cursor", hint="Begin without one.") from None


def page_of(rows: list[Any], *, limit: int, id_of: Any = lambda row: row.pk) -> tuple[list[Any], str | None]:
    """From up to limit + 1 rows: the rows to show, and the cursor of what follows, or None."""
    if len(rows) <= limit:
        return rows, None
    shown = rows[:limit]
    return shown, base64.urlsafe_b64encode(str(id_of(shown[-1])).encode()).decode()
