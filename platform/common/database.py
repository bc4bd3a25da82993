"""The database connection that knows about tenants, and plain psycopg connections beside Django's."""

from typing import TYPE_CHECKING, Any, cast

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db import connection as _connection
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    class TenantConnection(BaseDatabaseWrapper):
        """What django-tenants adds to Django's connection; it carries no types of its own."""

        schema_name: str
        tenant: Any

        def set_tenant(self, tenant: Any) -> None: ...
        def set_schema_to_public(self) -> None: ...


# This thread's connection, as everywhere in Django; import it from here to have its tenant methods typed.
connection = cast("TenantConnection", _connection)


# What the server says when the same statement may work in a moment: connections and shutdowns, no memory, room or files, a
# deadlock, a lock that was not to be had. https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "53", "57P", "58030", "40001", "40P01", "55P03")


def is_away(error: BaseException) -> bool:
    """Whether this error of Django's or psycopg's says that the database cannot be reached, or cannot work just now.

    Not every OperationalError does: a value that is too large for an index is one, and will be one at the next call.
    """
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state is not None:
        return state.startswith(_PASSING)
    # The server did not say anything. Of a cursor that was closed here, nobody else is to blame.
    if isinstance(error, InterfaceError | psycopg.InterfaceError):
        return "connection" in str(error)
    return isinstance(error, OperationalError | psycopg.OperationalError)


def conninfo() -> str:
    """The connection string of Django's database."""
    database = cast("dict[str, Any]", settings.DATABASES["default"])
    given = {
        "dbname": database["NAME"],
        "user": database.get("USER"),
        "password": database.get("PASSWORD"),
        "host": database.get("HOST"),
        "port": database.get("PORT"),
    }
    return make_conninfo("", **{key: value for key, value in given.items() if value})


def connect(*, application: str) -> psycopg.Connection[Any]:
    """A connection without a search path: every table must be named with its schema, so none is anybody's by accident."""
    return psycopg.connect(
        conninfo(),
        autocommit=True,
        prepare_threshold=2,
        application_name=application,
        options="-c search_path=pg_catalog -c jit=off",
        connect_timeout=10,
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )
