"""How many messages a filter means. A small number is counted anew each time; a large one, which takes a while and which
nobody checks to the last message, is remembered for some seconds."""

import threading
import time
from typing import Any

from psycopg import sql

from common.database import connection
from outbound.submission.details import MessageFilter
from outbound.submission.filtering import some, values_of

# Counting goes on to here; who has more is told that there are at least so many.
COUNT_AT_MOST = 1_000_000
_LARGE = 20_000
_REMEMBERED_SECONDS = 10.0
_MOST_REMEMBERED = 10_000

_Key = tuple[str, MessageFilter, int]
_known: dict[_Key, tuple[float, int]] = {}
_lock = threading.Lock()


def count_messages(wanted: MessageFilter, *, at_most: int = COUNT_AT_MOST) -> int:
    """Exact up to `at_most`, and `at_most` + 1 where there are more; above 20,000 as it was at most ten seconds ago."""
    key = (connection.schema_name, wanted, at_most)
    held = _known.get(key)
    if held and held[0] > time.monotonic():
        return held[1]
    total = _count(wanted, at_most + 1)
    if total > _LARGE:
        with _lock:
            if len(_known) > _MOST_REMEMBERED:
                _known.clear()
            _known[key] = (time.monotonic() + _REMEMBERED_SECONDS, total)
    return total


_TOTAL = "SELECT count(*) FROM (SELECT 1 FROM ({counted}) b LIMIT %(cap)s) c"


def _count(wanted: MessageFilter, cap: int) -> int:
    values: dict[str, Any] = {**values_of(wanted), "cap": cap}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_TOTAL).format(counted=some(wanted)), values)
        return int(cursor.fetchone()[0])
