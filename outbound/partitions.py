"""Partitions by month: made when the first message of a month is, dropped when its retention ends."""

from datetime import date
from typing import Any

from django.db import transaction
from psycopg import sql

from common.database import connection

PARTITIONED = (
    "outbound_recipient",
    "outbound_attempt",
    "outbound_event",
    "outbound_engagement",
    "outbound_submission",
    "outbound_attachment",
)


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def ensure_month(month: date) -> None:
    """Make the current tenant's partitions for `month` (a first day) where they are missing.

    Nobody who reads or writes other months waits for it, nor it for them.
    """
    schema = connection.schema_name
    with connection.cursor() as cursor:
        if not _missing(cursor, schema, month):
            return
        with transaction.atomic():
            # Of several who find them missing one makes them.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s || '.partitions', 0))", [schema])
            for table in _missing(cursor, schema, month):
                _make(cursor, schema, table, month)


def _missing(cursor: Any, schema: str, month: date) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = ANY(%s)",
        [schema, [_name(table, month) for table in PARTITIONED]],
    )
    there = {name for (name,) in cursor.fetchall()}
    return [table for table in PARTITIONED if _name(table, month) not in there]


def _make(cursor: Any, schema: str, table: str, month: date) -> None:
    """Made first and attached then: CREATE TABLE … PARTITION OF would lock the whole table against everybody until the
    caller's transaction ends."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    whole, part = sql.Identifier(schema, table), sql.Identifier(schema, _name(table, month))
    cursor.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(part, whole))
    cursor.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            whole, part, sql.Literal(month.isoformat()), sql.Literal(following.isoformat())
        )
    )


def _name(table: str, month: date) -> str:
    return f"{table}_{month:%Y%m}"
