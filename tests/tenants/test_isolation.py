"""A tenant's data can only be reached inside that tenant."""

import pytest
from django.db import connection
from django.test import Client

from common.errors import NoTenant
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import current_tenant, tenant_scope


def test_code_without_a_tenant_fails_instead_of_reading_public(db: None) -> None:
    connection.set_schema_to_public()
    with pytest.raises(NoTenant, match="no tenant was entered"):
        Contact.objects.count()
    with pytest.raises(NoTenant):
        Contact.objects.create(email="a@example.com", email_key="a@example.com")
    with pytest.raises(NoTenant):
        current_tenant()


def test_a_tenant_does_not_see_anothers_contacts(acme: Tenant, globex: Tenant) -> None:
    Contact.objects.create(email="a@example.com", email_key="a@example.com")
    with tenant_scope(globex):
        assert Contact.objects.count() == 0
        assert current_tenant().slug == "globex"
    assert Contact.objects.count() == 1


def test_a_kept_connection_does_not_carry_the_last_tenant_along(db: None, browser: Client) -> None:
    assert browser.get("/admin/login/", headers={"host": "acme.testserver"}).status_code == 200
    assert connection.schema_name == "public"
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert "acme" not in cursor.fetchone()[0]
    browser.get("/admin/login/", headers={"host": "globex.testserver"})
    assert connection.schema_name == "public"


def test_a_scope_is_left_even_when_its_work_fails(acme: Tenant, globex: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), tenant_scope(globex):
        1 / 0  # noqa: B018
    assert connection.schema_name == "acme"


def test_an_unknown_host_is_answered_404_with_what_to_do(db: None, browser: Client) -> None:
    answer = browser.get("/admin/", headers={"host": "nobody.testserver"})
    assert answer.status_code == 404
    assert b"add the host" in answer.content
