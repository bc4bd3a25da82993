"""The list of what must be looked at again: written with the work, read by the tick."""

from datetime import datetime

from common.database import connection

_POSTPONE_SECONDS = 10


def note_due(*, task: str, reference: int, due_at: datetime | None = None, schema: str | None = None) -> None:
    """Ask the tick to start `task(reference)` in this tenant at `due_at` (now when left out).

    Part of the caller's transaction: when that is rolled back, so is this.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.tenants_duework (schema, task, reference, due_at) VALUES (%s, %s, %s, coalesce(%s, now())) "
            "ON CONFLICT (schema, task, reference) DO UPDATE "
            "SET due_at = least(tenants_duework.due_at, excluded.due_at)",
            [schema or connection.schema_name, task, reference, due_at],
        )


def postpone(*, task: str, reference: int, due_at: datetime) -> None:
    """Look at it again at `due_at`, not earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_duework SET due_at = %s WHERE schema = %s AND task = %s AND reference = %s",
            [due_at, connection.schema_name, task, reference],
        )


def done_with(*, task: str, reference: int) -> None:
    """There is nothing left to look at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM public.tenants_duework WHERE schema = %s AND task = %s AND reference = %s",
            [connection.schema_name, task, reference],
        )


def claim_due(limit: int = 500) -> list[tuple[str, str, int]]:
    """Take what is due: (schema, task, reference). Each is put ten seconds ahead, so a lost task comes again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_duework SET due_at = now() + make_interval(secs => %s) WHERE id IN ("
            " SELECT id FROM public.tenants_duework WHERE due_at <= now() ORDER BY due_at LIMIT %s"
            " FOR UPDATE SKIP LOCKED"
            ") RETURNING schema, task, reference",
            [_POSTPONE_SECONDS, limit],
        )
        return [(schema, task, reference) for schema, task, reference in cursor.fetchall()]
