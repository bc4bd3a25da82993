"""The cast: `acme` owns what a test makes, `globex` must see nothing of it.

`acme` and `globex` live in one transaction that is rolled back. `live_tenant` is committed, for tests in
which other processes or connections take part; its tables are emptied after each.
"""

import shutil
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as examples

from tenants import scope
from tenants.models import Tenant
from tenants.services.creation import create_tenant
from tenants.services.installation import prepare_database

# Examples are the same each time, and may take as long as a busy machine needs.
examples.register_profile(
    "tests", deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
examples.load_profile("tests")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        prepare_database()
        for slug in ("acme", "globex"):
            if not Tenant.objects.filter(slug=slug).exists():
                create_tenant(slug=slug, name=slug.title(), host=f"{slug}.testserver", plan="pro")
        connection.set_schema_to_public()


@pytest.fixture(autouse=True)
def _no_test_begins_right_before_midnight() -> None:
    """Quotas, statistics and partitions go by the day of UTC."""
    left = 86_400 - time.time() % 86_400
    if left < 15:
        time.sleep(left + 0.1)


@pytest.fixture(autouse=True)
def _hosts_are_looked_up_once_a_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not whenever ten seconds happen to be over: queries are counted. What a test has changed is no later one's."""
    monkeypatch.setattr(scope, "_HOST_MEMORY_SECONDS", 3_600.0)
    scope.hosts.forget()
    yield
    scope.hosts.forget()


@pytest.fixture
def acme(db: None) -> Iterator[Tenant]:
    yield from _inside("acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return Tenant.objects.get(slug="globex")


@pytest.fixture(scope="session")
def committed_tenant(django_db_setup, django_db_blocker) -> Tenant:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        create_tenant(slug="live", name="Live", host="live.testserver")
        return Tenant.objects.get(slug="live")


@pytest.fixture
def live_tenant(committed_tenant, django_db_blocker) -> Iterator[Tenant]:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        connection.set_tenant(committed_tenant)
        try:
            yield committed_tenant
        finally:
            connection.set_schema_to_public()
            _empty(committed_tenant)


@pytest.fixture
def browser() -> Client:
    """A client whose host decides the tenant: `browser.get("/admin/", headers={"host": "acme.testserver"})`."""
    return Client()


def _empty(tenant: Tenant) -> None:
    """Remove what a test left of the tenant; ids go on, so that no later test meets an earlier one's."""
    schema = tenant.schema_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(format('%%I.%%I', schemaname, tablename), ', ') FROM pg_tables"
            " WHERE schemaname = %s AND tablename ~ '^(contacts|deliverability|outbound|campaigns|members|ledger|callbacks)_'"
            " AND tablename !~ '_[0-9]{6}$'",
            [schema],
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} CASCADE")
        for table in ("duework", "waitingmail"):
            cursor.execute(f"DELETE FROM public.tenants_{table} WHERE schema = %s", [schema])
        for table in ("usage", "apikey"):
            cursor.execute(f"DELETE FROM public.tenants_{table} WHERE tenant_id = %s", [tenant.pk])
    shutil.rmtree(settings.ENGINE_JOURNAL_DIR / schema, ignore_errors=True)


def _inside(slug: str) -> Iterator[Tenant]:
    tenant = Tenant.objects.get(slug=slug)
    connection.set_tenant(tenant)
    try:
        yield tenant
    finally:
        connection.set_schema_to_public()
