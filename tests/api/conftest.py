"""A tenant whose rows are committed, for doors that have connections of their own."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tenants.models import Host, Tenant
from tenants.services.creation import create_tenant

_TABLES = (
    "contacts_contact, contacts_suppression, outbound_message, outbound_recipient, outbound_attempt, outbound_event,"
    " outbound_engagement"
)
def module_tenant(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    with django_db_blocker.unblock():
        slug = f"doors_{uuid4().hex[:10]}"
        create_tenant(slug=slug, name="Doors", host=f"{slug.replace('_', '-')}.testserver")
        tenant = Tenant.objects.get(slug=slug)
        yield tenant
        connection.set_schema_to_public()
        Host.objects.filter(tenant=tenant).delete()
        tenant.delete(force_drop=True)


@pytest.fixture
def live(module_tenant: Tenant, django_db_blocker: Any) -> Iterator[Tenant]:
    """A tenant whose rows are committed, one for the whole module; it is emptied after each test."""
    with django_db_blocker.unblock():
        connection.set_tenant(module_tenant)
        try:
            yield module_tenant
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {_TABLES} CASCADE")
            Tenant.objects.filter(pk=module_tenant.pk).update(is_active=True, name="Doors")
            connection.set_schema_to_public()
