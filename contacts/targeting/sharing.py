"""The held audience, shared out at random."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from psycopg import sql

from common.database import connection

_HELD = sql.Identifier("pg_temp", "held_audience")
_SHARED = sql.Identifier("pg_temp", "shared_audience")

# By rank, not by the hash itself: so every share has exactly its size.
_SHARE = """
CREATE TEMPORARY TABLE shared_audience ON COMMIT DROP AS
SELECT id, language, width_bucket(rank, {ends}::bigint[]) AS share
FROM (SELECT id, language, row_number() OVER (ORDER BY hashint8extended(id, {key}), id) - 1 AS rank FROM {held}) ranked
"""


def share_held(*, key: int, percents: Sequence[int]) -> dict[tuple[int, str], int]:
    """Share what `hold_audience` holds out, until the transaction ends; everybody is in exactly one share.

    Share 0 has the first of `percents` of the contacts, and so on, each rounded so that the first n together have
    their percents rounded down; the one after the last has the rest. Who is in which depends on `key` and the contact
    alone. Returns how many contacts there are by share and language; what is empty is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(_HELD))
        total = int(cursor.fetchone()[0])
        ends = [total * percent // 100 for percent in accumulate(percents)]
        share = sql.SQL(_SHARE).format(ends=sql.Literal(ends), key=sql.Literal(key), held=_HELD)
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_SHARED))
        cursor.execute(share)
        cursor.execute(sql.SQL("SELECT share, language, count(*) FROM {} GROUP BY 1, 2").format(_SHARED))
        return {(share, language): count for share, language, count in cursor.fetchall()}


def shared_query(share: int, languages: Sequence[str]) -> tuple[sql.Composed, dict[str, Any]]:
    """Like `held_query`, for the contacts of one share that speak exactly these languages; "" is unknown."""
    query = sql.SQL("SELECT id FROM {} WHERE share = %(share)s AND language = ANY(%(languages)s) ORDER BY id")
    return query.format(_SHARED), {"share": share, "languages": list(languages)}
