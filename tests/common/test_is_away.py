"""Which errors of the database pass, told by what a real server says."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, transaction

from common.database import connection, conninfo, is_away
from tenants.models import Tenant


def _error_of(statement: str, *, setting: str = "") -> DatabaseError:
    with pytest.raises(DatabaseError) as raised, transaction.atomic(), connection.cursor() as cursor:
        if setting:
            cursor.execute(setting)
        cursor.execute(statement)
    return raised.value


def _lost() -> BaseException:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    with psycopg.connect(conninfo(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    return _error_of("SELECT 1")


def _refused() -> BaseException:
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect("host=127.0.0.1 port=1 connect_timeout=5")
    return raised.value


def _locked() -> BaseException:
    with psycopg.connect(conninfo()) as other:
        other.execute("LOCK TABLE public.tenants_tenant IN ACCESS EXCLUSIVE MODE")
        return _error_of("SELECT 1 FROM public.tenants_tenant", setting="SET LOCAL lock_timeout = '20ms'")


def _canceled() -> BaseException:
    return _error_of("SELECT pg_sleep(10)", setting="SET LOCAL statement_timeout = '20ms'")


def _too_large() -> BaseException:
    wide = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n"
    return _error_of(f"INSERT INTO wide {wide}", setting="CREATE TEMPORARY TABLE wide (t text UNIQUE) ON COMMIT DROP")


def _closed_cursor() -> BaseException:
    with connection.cursor() as cursor:
        pass
    with pytest.raises(InterfaceError) as raised:
        cursor.execute("SELECT 1")
    return raised.value


CASES: dict[str, tuple[Callable[[], Any], bool]] = {
    "a connection that was cut": (_lost, True),
    "nobody listens": (_refused, True),
    "a lock that was not to be had": (_locked, True),
    "a statement that took too long": (_canceled, False),
    "a value that no index takes": (_too_large, False),
    "a cursor that is closed": (_closed_cursor, False),
    "a table that is not there": (lambda: _error_of("SELECT 1 FROM nowhere"), False),
    "a fault of ours": (lambda: ValueError("x"), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_passes_is_told_from_what_does_not(live_tenant: Tenant, case: str) -> None:
    make, passes = CASES[case]
    try:
        assert is_away(make()) is passes
    finally:
        connection.close()
