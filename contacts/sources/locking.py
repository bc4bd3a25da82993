"""One worker at a source at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from common.database import connection
from common.errors import Conflict


@contextmanager
def only_here(schema: str, source_id: int) -> Iterator[None]:
    """A lock of the database session, gone with it when we are killed. Raises Conflict while another holds it."""
    name = f"source {schema} {source_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict("This source is being synced already.")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        except DatabaseError:
            connection.close()
