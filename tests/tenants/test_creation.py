"""Making tenants, members, operators and keys; and what is refused."""

import bcrypt
import pytest
from django.test import Client

from common.database import connection
from common.errors import Conflict, InvalidInput, NotFound
from contacts.models import Contact
from tenants.members.models import User
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_by_slug, tenant_scope
from tenants.services.creation import create_member, create_operator, create_tenant
from tenants.services.installation import schemas_behind
from tenants.services.keys import create_api_key


@pytest.mark.usefixtures("db")
def test_a_new_tenant_is_a_clone_of_the_template_with_a_workspace_of_its_own() -> None:
    made = create_tenant(slug="initech", name="Initech", host="Initech.TestServer.")
    assert made.host == "initech.testserver"
    assert made.workspace_id.startswith("ws-")
    with tenant_scope(tenant_by_slug("initech")):
        assert Contact.objects.count() == 0
    assert "initech" not in schemas_behind()


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "slug", ["Acme", "1acme", "a-b", "", "public", "pg_acme", "tenant_template", 'a"; drop', "a" * 49, "ac\nme"]
)
def test_a_slug_that_could_not_be_a_schema_is_refused(slug: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_tenant(slug=slug, name="X", host="x.testserver")
    assert refused.value.field == "slug"


@pytest.mark.usefixtures("acme")
def test_what_is_taken_is_named() -> None:
    with pytest.raises(Conflict, match="tenant 'acme' already"):
        create_tenant(slug="acme", name="X", host="other.testserver")
    with pytest.raises(Conflict, match=r"acme\.testserver belongs to a tenant"):
        create_tenant(slug="other", name="X", host="acme.testserver")
    with pytest.raises(InvalidInput, match="no plan 'gold'") as refused:
        create_tenant(slug="other", name="X", host="other.testserver", plan="gold")
    assert "enterprise" in str(refused.value)
    with pytest.raises(InvalidInput, match="not a host name"):
        create_tenant(slug="other", name="X", host="http://other/")


@pytest.mark.usefixtures("db")
def test_an_unknown_tenant_is_answered_with_those_that_exist() -> None:
    with pytest.raises(NotFound, match="acme, globex"):
        tenant_by_slug("acne")


def test_a_key_is_kept_as_a_hash_and_found_by_its_prefix(acme: Tenant) -> None:
    record, readable = create_api_key(tenant=acme, name="Shop", daily_limit=15)
    stored = ApiKey.objects.get(prefix=readable.split("_")[1])
    assert stored == record
    assert readable.split("_", 2)[2] not in stored.hash
    assert bcrypt.checkpw(readable.encode(), stored.hash.encode())
    assert "admin" not in stored.scopes


@pytest.mark.parametrize(
    ("given", "field"),
    [({"name": " "}, "name"), ({"name": "x", "scopes": ["all"]}, "scope"), ({"name": "x", "scopes": []}, "scope")],
)
def test_a_bad_key_is_refused_with_the_field(acme: Tenant, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_api_key(tenant=acme, **given)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_member_logs_in_on_the_own_desk_only(acme: Tenant, browser: Client) -> None:
    create_member(tenant=acme, email="Ann@Acme.example", password="a long pass phrase")
    with pytest.raises(Conflict, match="has an account"):
        create_member(tenant=acme, email="ann@acme.example", password="a long pass phrase")
    assert _log_in(browser, "acme.testserver", "ann@acme.example")
    assert not _log_in(Client(), "globex.testserver", "ann@acme.example")
    assert not _log_in(Client(), "localhost", "ann@acme.example")
    # The session of acme's desk opens no other.
    for host in ("globex.testserver", "localhost"):
        assert browser.get("/admin/", headers={"host": host}).status_code == 302


def test_an_operator_logs_in_on_the_public_host_only(acme: Tenant, browser: Client) -> None:
    create_operator(email="op@example.org", password="a long pass phrase")
    assert _log_in(browser, "localhost", "op@example.org")
    assert not _log_in(Client(), "acme.testserver", "op@example.org")


def test_a_weak_password_and_a_bad_address_are_refused(acme: Tenant) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_member(tenant=acme, email="a@acme.example", password="12345")
    assert refused.value.field == "password"
    with pytest.raises(InvalidInput) as refused:
        create_member(tenant=acme, email="nobody", password="a long pass phrase")
    assert refused.value.field == "email"
    with pytest.raises(InvalidInput, match="no role"):
        create_member(tenant=acme, email="a@acme.example", password="a long pass phrase", role="operator")


def test_passwords_and_hashes_are_not_stored_readably(acme: Tenant) -> None:
    create_member(tenant=acme, email="a@acme.example", password="a long pass phrase")
    connection.set_tenant(acme)
    assert "a long pass phrase" not in User.objects.get().password


def _log_in(browser: Client, host: str, email: str) -> bool:
    answer = browser.post(
        "/admin/login/?next=/admin/",
        {"username": email, "password": "a long pass phrase", "next": "/admin/"},
        headers={"host": host},
    )
    return answer.status_code == 302
