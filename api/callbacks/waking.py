"""Starting a tenant's courier: at once after a change, within a second of news, and when something comes due.

A tenant that has endpoints stands in the list of due work all the time; that row is also how news are found without
looking into every schema. Those who write news need not call anybody.
"""

from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.utils import timezone
from psycopg import sql

from common.database import connection
from tenants.services.due import done_with, note_due, postpone

TASK = "callbacks.deliver"
# What no worker takes soon is asked for again: tasks would pile up behind a long one.
_TASK_EXPIRES = 5
_LOOK_AGAIN = timedelta(minutes=5)
_SCHEMAS_AT_ONCE = 200

_LISTENING = """
SELECT schema FROM public.tenants_duework WHERE task = %s
AND to_regclass(quote_ident(schema) || '.outbound_news') IS NOT NULL ORDER BY schema
"""


def wake() -> None:
    """Have the entered tenant's courier look at once, when the transaction is committed."""
    note_due(task=TASK, reference=0)
    schema = connection.schema_name
    # Robust: a broker that is away undoes nothing; the tick finds the row.
    transaction.on_commit(lambda: _start(schema), robust=True)


def sleep_until(due_at: datetime | None, *, at_least: timedelta = timedelta(seconds=1)) -> None:
    """Nothing to do before `due_at`; without one, only to tidy up."""
    now = timezone.now()
    postpone(task=TASK, reference=0, due_at=max(due_at or now + _LOOK_AGAIN, now + at_least))


def sleep_for_good() -> None:
    """The tenant has no endpoints."""
    done_with(task=TASK, reference=0)


def wake_where_news_are() -> int:
    """Start the couriers of tenants with news. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_LISTENING, [TASK])
        schemas = [schema for (schema,) in cursor.fetchall()]
        told: list[str] = []
        for first in range(0, len(schemas), _SCHEMAS_AT_ONCE):
            cursor.execute(_with_news(schemas[first : first + _SCHEMAS_AT_ONCE]))
            told += [schema for (schema,) in cursor.fetchall()]
    for schema in told:
        _start(schema)
    return len(told)


def _with_news(schemas: list[str]) -> sql.Composed:
    """By the index: the table's beginning is full of rows that are gone."""
    one = "SELECT {name} WHERE EXISTS (SELECT FROM (SELECT id FROM {news} ORDER BY id LIMIT 1) AS first)"
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(one).format(name=sql.Literal(schema), news=sql.Identifier(schema, "outbound_news"))
        for schema in schemas
    )


def _start(schema: str) -> None:
    current_app.send_task(TASK, args=[0], headers={"_schema_name": schema}, expires=_TASK_EXPIRES)
