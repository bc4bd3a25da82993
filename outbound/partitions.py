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
    """Make the current tenant's partitions for `month` (a first day) where they are missing."""
    schema = connection.schema_name
    with connection.cursor() as cursor:
        if _are_there(cursor, schema, month):
            return
        with transaction.atomic():
            # Of several who find them missing one makes them.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s || '.partitions', 0))", [schema])
            if not _are_there(cursor, schema, month):
                _make(cursor, schema, month)


def _are_there(cursor: Any, schema: str, month: date) -> bool:
    cursor.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = ANY(%s)",
        [schema, [_name(table, month) for table in PARTITIONED]],
    )
    return bool(cursor.fetchone() == (len(PARTITIONED),))


def _make(cursor: Any, schema: str, month: date) -> None:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    for table in PARTITIONED:
        cursor.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(schema, _name(table, month)),
                sql.Identifier(schema, table),
                sql.Literal(month.isoformat()),
                sql.Literal(following.isoformat()),
            )
        )


def _name(table: str, month: date) -> str:
    return f"{table}_{month:%Y%m}"
