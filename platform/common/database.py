"""The database connection that knows about tenants, and plain psycopg connections beside Django's."""

from typing import TYPE_CHECKING, Any, cast

import psycopg
from django.conf import settings
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
