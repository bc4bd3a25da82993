"""public.tenants_waitingmail: which tenants have single messages that are due, so that nobody looks into every schema.

A row may be there for nothing, but must never be missing: it is removed before the tenant's queue is looked at for
the last time, and put back in the same transaction when something waits there. Who submits meanwhile either waits for
that transaction and then adds the row anew, or was committed before and is seen.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from outbound.posting.statements import for_schema

_DUE = "SELECT schema FROM public.tenants_waitingmail WHERE due_at <= now() ORDER BY due_at"
_REMOVE = "DELETE FROM public.tenants_waitingmail WHERE schema = %s"
_TENANTS = """
SELECT t.schema_name FROM public.tenants_tenant t WHERE t.is_active AND t.schema_name <> 'public'
  AND to_regclass(format('%%I.outbound_queue', t.schema_name)) IS NOT NULL
  AND (%(only)s::text[] IS NULL OR t.schema_name = ANY(%(only)s::text[]))
ORDER BY t.schema_name
"""
_SWEEPER = "SELECT pg_try_advisory_lock(hashtext('lettershop: sweep of waiting mail'))"
_SWEPT = "SELECT pg_advisory_unlock(hashtext('lettershop: sweep of waiting mail'))"
_AT_ONCE = 100


def due_schemas(connection: psycopg.Connection[Any]) -> list[str]:
    """Schemas in which somebody should look now, the longest due first."""
    return [schema for (schema,) in connection.execute(_DUE).fetchall()]


def look_away(connection: psycopg.Connection[Any], schema: str) -> None:
    """Take the tenant off the list, and put it back where it belongs when anything waits."""
    with connection.transaction():
        connection.execute(_REMOVE, [schema])
        connection.execute(for_schema(schema).put_back)


def tenant_schemas(connection: psycopg.Connection[Any], only: Sequence[str] | None = None) -> list[str]:
    """Schemas of active tenants that have a queue."""
    rows = connection.execute(_TENANTS, {"only": list(only) if only is not None else None})
    return [schema for (schema,) in rows.fetchall()]


def sweep(connection: psycopg.Connection[Any]) -> None:
    """Put back whatever should be on the list, for all tenants. One sender does it at a time; for others it is done."""
    if connection.execute(_SWEEPER).fetchone() != (True,):
        return
    try:
        schemas = tenant_schemas(connection)
        for start in range(0, len(schemas), _AT_ONCE):
            _put_back(connection, schemas[start : start + _AT_ONCE])
    finally:
        connection.execute(_SWEPT)


def _put_back(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> None:
    """Asked in one statement, because nearly always there is nothing to write."""
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, due FROM ({}) AS q(due) WHERE due IS NOT NULL").format(
            sql.Literal(schema), for_schema(schema).next_due
        )
        for schema in schemas
    )
    waiting = connection.execute(asked, prepare=False).fetchall()
    if waiting:
        connection.execute(
            "INSERT INTO public.tenants_waitingmail AS w (schema, due_at)"
            " SELECT * FROM unnest(%s::text[], %s::timestamptz[]) AS u(schema, due_at) ORDER BY 1"
            " ON CONFLICT (schema) DO UPDATE SET due_at = least(w.due_at, excluded.due_at)",
            [[schema for schema, _ in waiting], [due for _, due in waiting]],
        )
