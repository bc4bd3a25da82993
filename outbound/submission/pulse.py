"""How single mail goes from second to second: what senders finished, what waits, who sends. One query, of any schema."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from psycopg import sql

from common.database import connection

# An outcome is dated when its transaction begins: by then those of the second asked for are committed.
_BEHIND = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Pulse:
    """`emails`: recipients of messages that were finished in the window; `waiting`: recipients that wait for a try or are
    in a sender's hands; `senders`: processes that have mail in hand."""

    emails: int
    waiting: int
    senders: int


@lru_cache(maxsize=256)
def pulse_query(schema: str) -> sql.Composed:
    """Selects the fields of a Pulse; every table is named with its schema. Its parameters: `pulse_window`."""
    tables = {name: sql.Identifier(schema, f"outbound_{name}") for name in ("submission", "queue", "batch")}
    return sql.SQL(_PULSE).format(**tables)


def pulse_window(since: datetime, until: datetime) -> dict[str, datetime]:
    """Windows that follow on each other count every message once."""
    return {"since": since - _BEHIND, "until": until - _BEHIND}


def pulse(schema: str, *, now: datetime) -> Pulse:
    """Of the last second."""
    with connection.cursor() as cursor:
        cursor.execute(pulse_query(schema), pulse_window(now - timedelta(seconds=1), now))
        row: tuple[Any, ...] = cursor.fetchone()
    return Pulse(*row)


_PULSE = """
SELECT
    (SELECT coalesce(sum(cardinality(addresses)), 0)::bigint FROM {submission}
        WHERE processed_at > %(since)s AND processed_at <= %(until)s),
    (SELECT count(*) FROM {queue}),
    (SELECT count(DISTINCT owner) FROM {batch} WHERE lease_until > now())
"""
