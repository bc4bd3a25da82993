"""Bringing a database to the current version: shared tables, the template schema, every tenant's schema."""

from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import schema_exists
from psycopg import sql

from common.database import connection
from tenants.models import Host, Plan, Tenant
from tenants.services.environment_keys import make_environment_keys

# One installer at a time in a database; the number is arbitrary but fixed.
_INSTALL_LOCK = 7_451_001
# Limits of the relay's tiers: messages an hour, a day, at once.
_PLANS = [
    ("free", "Free", 100, 1_000, 10),
    ("basic", "Basic", 1_000, 10_000, 50),
    ("pro", "Pro", 10_000, 100_000, 100),
    ("enterprise", "Enterprise", 100_000, 1_000_000, 1_000),
]
# The installation's own rows count down from here: the first customer is tenant 1, as their programs expect it.
_PUBLIC_ID, _TEMPLATE_ID = -1, -2


def prepare_database(*, say: Callable[[str], None] = lambda _: None) -> None:
    """Migrate what is behind, and only that. Safe to call at every start and from several processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_INSTALL_LOCK])
    try:
        _migrate_shared(say)
        _make_public_tenant()
        _make_template(say)
        _migrate_tenants(say)
        connection.set_schema_to_public()
        make_environment_keys()
    finally:
        connection.set_schema_to_public()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_INSTALL_LOCK])


def schemas_behind() -> list[str]:
    """Schemas of tenants whose migrations are not all applied, found by one query over all of them."""
    schemas = list(
        Tenant.objects.exclude(schema_name="public").order_by("schema_name").values_list("schema_name", flat=True)
    )
    if not schemas:
        return []
    wanted = _tenant_migrations()
    counts = sql.SQL(" UNION ALL ").join(
        sql.SQL(
            "SELECT {name}, count(*) FROM {table} WHERE (app, name) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
        ).format(name=sql.Literal(schema), table=sql.Identifier(schema, "django_migrations"))
        for schema in schemas
    )
    apps, names = [app for app, _ in wanted], [name for _, name in wanted]
    with connection.cursor() as cursor:
        cursor.execute(counts, [apps, names] * len(schemas))
        return [schema for schema, count in cursor.fetchall() if count < len(wanted)]


def _migrate_shared(say: Callable[[str], None]) -> None:
    connection.set_schema_to_public()
    loader = MigrationLoader(connection)
    apps = {app.rsplit(".", 1)[-1] for app in settings.SHARED_APPS}
    known = {key for key in loader.graph.nodes if key[0] in apps}
    if known - set(loader.applied_migrations):
        say("Migrating the shared tables")
        call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)


def _make_public_tenant() -> None:
    for slug, name, hourly, daily, burst in _PLANS:
        Plan.objects.get_or_create(
            slug=slug, defaults={"name": name, "hourly_limit": hourly, "daily_limit": daily, "burst": burst}
        )
    public, _ = Tenant.objects.get_or_create(
        schema_name="public",
        defaults={"id": _PUBLIC_ID, "slug": "public", "name": "Operators", "workspace_id": "public"},
    )
    Host.objects.get_or_create(domain=settings.PUBLIC_HOST, defaults={"tenant": public, "is_primary": True})


def _make_template(say: Callable[[str], None]) -> None:
    template = settings.TENANT_TEMPLATE_SCHEMA
    if schema_exists(template) and Tenant.objects.filter(schema_name=template).exists():
        return
    say("Building the template that new tenants are cloned from")
    Tenant.objects.filter(schema_name=template).delete()
    with connection.cursor() as cursor:
        # What an interrupted first start left half built.
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(template)))
    Tenant(
        id=_TEMPLATE_ID, schema_name=template, slug=template, name="Template", workspace_id=template, is_active=False
    ).save(verbosity=0)


def _migrate_tenants(say: Callable[[str], None]) -> None:
    behind = schemas_behind()
    for number, schema in enumerate(behind, 1):
        say(f"Migrating tenant {number} of {len(behind)}: {schema}")
        call_command("migrate_schemas", schema_name=schema, tenant=True, interactive=False, verbosity=0)


def _tenant_migrations() -> list[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    apps = {app.rsplit(".", 1)[-1] for app in settings.TENANT_APPS}
    return sorted(key for key in loader.graph.nodes if key[0] in apps)
