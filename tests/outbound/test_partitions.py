"""A month's partitions are made beside everybody's work, and are what the tables they belong to are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from common.database import conninfo
from outbound.partitions import PARTITIONED, ensure_month
from tenants.models import Tenant
from tests.outbound.posting_cast import rows, run

MONTH, FOLLOWING = date(2091, 12, 1), date(2092, 1, 1)


@contextmanager
def somebody(schema: str) -> Iterator[Any]:
    """At work on all of the tables, and patient for a second only."""
    with psycopg.connect(conninfo()) as held, held.cursor() as cursor:
        cursor.execute(f'SET search_path TO "{schema}"')
        cursor.execute("SET lock_timeout = '1s'")
        yield cursor
        held.rollback()


def partitions(month: date) -> list[str]:
    return [f"{table}_{month:%Y%m}" for table in PARTITIONED]


def test_those_who_write_do_not_wait_for_a_new_month_nor_it_for_them(live_tenant: Tenant) -> None:
    ensure_month(MONTH)
    try:
        with somebody(live_tenant.schema_name) as writer, transaction.atomic():
            for table in PARTITIONED:
                writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
            run("SET LOCAL lock_timeout = '1s'")
            ensure_month(FOLLOWING)
            writer.execute(
                "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, at)"
                " VALUES (%s, 1, 0, 0, 3, now())",
                [MONTH],
            )
            writer.execute("SELECT count(*) FROM outbound_recipient WHERE month = %s", [MONTH])
            assert writer.fetchone() == (1,)
            transaction.set_rollback(True)
    finally:
        for name in partitions(MONTH):
            run(f"DROP TABLE {name}")


@pytest.mark.usefixtures("acme")
def test_a_partition_has_its_tables_indexes_storage_and_defaults() -> None:
    ensure_month(MONTH)
    for table, name in zip(PARTITIONED, partitions(MONTH), strict=True):
        whole = rows("SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1", table)
        attached = rows(
            "SELECT h.inhparent FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
            " WHERE i.indrelid = %s::regclass ORDER BY 1",
            name,
        )
        assert attached == whole
        assert rows("SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass", name) == [(len(whole),)]
        assert columns(name) == columns(table)
    run("INSERT INTO outbound_event (month, at, kind, message_id, position) VALUES ('2091-12-31', now(), 1, 1, 0)")
    assert rows("SELECT id > 0 FROM outbound_event_209112") == [(True,)]


@pytest.mark.usefixtures("acme")
def test_what_is_missing_of_a_month_is_made_and_the_rest_stays() -> None:
    ensure_month(MONTH)
    run("INSERT INTO outbound_event (month, at, kind, message_id, position) VALUES (%s, now(), 1, 1, 0)", MONTH)
    run("DROP TABLE outbound_submission_209112, outbound_attachment_209112")
    ensure_month(MONTH)
    assert rows("SELECT count(*) FROM outbound_event WHERE month = %s", MONTH) == [(1,)]
    assert rows("SELECT count(*) FROM outbound_submission WHERE month = %s", MONTH) == [(0,)]


@pytest.mark.usefixtures("acme")
def test_a_month_that_is_there_costs_one_query(django_assert_num_queries: Any) -> None:
    ensure_month(MONTH)
    with django_assert_num_queries(1, connection=connection):
        ensure_month(MONTH)


def columns(table: str) -> list[tuple[Any, ...]]:
    """Each with its type, storage, default, and whether it must be filled."""
    return rows(
        "SELECT a.attname, a.atttypid, a.atttypmod, a.attstorage, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname",
        table,
    )
