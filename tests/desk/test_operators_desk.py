"""The operators' desk: tenants, hosts, keys, due work, health."""

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.utils import timezone

from tenants.members.models import User
from tenants.models import ApiKey, DueWork, Host, Plan, Tenant
from tenants.scope import tenant_scope
from tenants.services.profile import Profile, profile_of
from tests.desk.conftest import queries

PASSWORD = "seven blue lamps"


def test_a_tenant_is_made_with_its_first_owner(operator: Client) -> None:
    form = {
        "name": "Initech", "slug": "initech", "host": "initech.testserver", "plan": "free", "workspace_id": "",
        "owner_email": "bill@initech.example", "owner_password": PASSWORD,
    }  # fmt: skip
    answer = operator.post("/admin/tenants/tenant/add/", form, follow=True)
    assert "Initech is ready: its desk answers at initech.testserver." in answer.content.decode()
    made = Tenant.objects.get(slug="initech")
    with tenant_scope(made):
        assert User.objects.get().role == "owner"
    assert "bill@initech.example" not in operator.get("/admin/members/user/").content.decode()
    assert Client(HTTP_HOST="initech.testserver").get("/admin/login/").status_code == 200


def test_a_tenant_that_cannot_be_is_refused_at_its_field(operator: Client, acme: Tenant) -> None:
    form = {"name": "New", "slug": "new", "host": "new.testserver", "plan": "free"}
    for field, value in (
        ("slug", "Bad Slug"),
        ("slug", "acme"),
        ("host", "acme.testserver"),
        ("host", "http://x"),
        ("owner_email", "a@b.example"),
    ):
        page = operator.post("/admin/tenants/tenant/add/", {**form, field: value})
        wrong = "owner_password" if field == "owner_email" else field
        assert wrong in page.context["adminform"].form.errors
    assert not Tenant.objects.filter(slug="new").exists()


def test_the_list_shows_customers_only_and_takes_constant_queries(operator: Client, acme: Tenant) -> None:
    page = operator.get("/admin/tenants/tenant/").content.decode()
    assert "acme.testserver" in page
    assert "tenant_template" not in page
    few = queries(operator, "/admin/tenants/tenant/")
    plan = Plan.objects.first()
    Tenant.objects.bulk_create(
        Tenant(schema_name=f"t{n}", slug=f"t{n}", name=f"T{n}", workspace_id=f"t{n}", plan=plan) for n in range(20)
    )
    assert queries(operator, "/admin/tenants/tenant/") == few <= 9


def test_a_tenant_is_switched_off_and_its_desk_answers_no_more(operator: Client, acme: Tenant) -> None:
    connection.set_schema_to_public()
    form = {"name": "Acme", "plan": Plan.objects.get(slug="pro").pk, "in_doubt_policy": "resend"}
    operator.post(f"/admin/tenants/tenant/{acme.pk}/change/", form)
    acme.refresh_from_db()
    assert (acme.is_active, acme.in_doubt_policy) == (False, "resend")
    assert Client(HTTP_HOST="acme.testserver").get("/admin/login/").status_code == 404


def test_brand_and_sender_of_a_tenant_are_changed_and_faults_stand_at_their_fields(
    operator: Client, acme: Tenant, globex: Tenant
) -> None:
    connection.set_schema_to_public()
    url = f"/admin/tenants/tenant/{acme.pk}/change/"
    form = {"name": "Acme", "plan": Plan.objects.get(slug="pro").pk, "in_doubt_policy": "leave", "is_active": "on"}
    profile = {
        "brand_domain": "Acme.Example.", "sender_name": 'Doe, "Ana"', "sender_address": "ana@ACME.example",
        "reply_to": "help@acme.example",
    }  # fmt: skip
    assert operator.post(url, {**form, **profile}).status_code == 302
    written = Profile("acme.example", 'Doe, "Ana"', "ana@acme.example", "help@acme.example")
    assert (profile_of(acme), profile_of(globex)) == (written, Profile())
    page = operator.get(url).content.decode()
    assert "As whom it writes" in page
    assert 'value="ana@acme.example"' in page
    for field, value in (("brand_domain", "http://x"), ("sender_address", "nonsense"), ("reply_to", "a b@c.example")):
        refused = operator.post(url, {**form, **profile, "name": "Other", field: value})
        assert field in refused.context["adminform"].form.errors, field
    refused = operator.post(url, {**form, "name": "Other", "sender_name": "Ana"})
    assert "needs an address" in refused.context["adminform"].form.errors["sender_address"][0]
    assert profile_of(acme) == written
    acme.refresh_from_db()
    assert acme.name == "Acme"
    operator.post(url, form)
    assert profile_of(acme) == Profile()


def test_hosts_are_added_and_removed_but_not_the_primary_one(operator: Client, acme: Tenant) -> None:
    operator.post("/admin/tenants/host/add/", {"tenant": acme.pk, "domain": "News.Acme.example"})
    added = Host.objects.get(domain="news.acme.example")
    assert not added.is_primary
    operator.post(f"/admin/tenants/host/{added.pk}/remove/")
    primary = Host.objects.get(tenant=acme)
    refused = operator.post(f"/admin/tenants/host/{primary.pk}/remove/", follow=True).content.decode()
    assert "links in mails lead there" in refused
    taken = operator.post("/admin/tenants/host/add/", {"tenant": acme.pk, "domain": "globex.testserver"})
    assert "domain" in taken.context["adminform"].form.errors


def test_a_key_is_shown_once_and_its_hash_never(operator: Client, acme: Tenant) -> None:
    form = {"tenant": acme.pk, "name": "Shop", "scopes": ["send", "read"], "daily_limit": "500"}
    answer = operator.post("/admin/tenants/apikey/add/", form)
    key = ApiKey.objects.get()
    page = answer.content.decode()
    assert f"ls_{key.prefix}_" in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert (key.scopes, key.daily_limit, key.is_admin) == (["send", "read"], 500, False)
    readable = page.split('id="new-key">')[1].split("<")[0]
    listed = operator.get("/admin/tenants/apikey/").content.decode()
    for secret in (readable, readable.split("_", 2)[2], key.hash):
        assert secret not in listed
    assert "Should the key Shop" in operator.get(f"/admin/tenants/apikey/{key.pk}/revoke/").content.decode()
    operator.post(f"/admin/tenants/apikey/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert (
        "scopes"
        in operator.post("/admin/tenants/apikey/add/", {**form, "scopes": ["everything"]})
        .context["adminform"]
        .form.errors
    )


def test_due_work_tells_what_is_stuck_and_the_overview_says_so(operator: Client) -> None:
    now = timezone.now()
    DueWork.objects.create(schema="acme", task="outbound.send_message", reference=7, due_at=now - timedelta(minutes=5))
    DueWork.objects.create(schema="acme", task="campaigns.plan", reference=8, due_at=now + timedelta(hours=2))
    page = operator.get("/admin/tenants/duework/").content.decode()
    for words in ("Send a message", "stuck", "waiting", "in 1\xa0hour"):
        assert words in page
    assert "1 piece of work is overdue" in operator.get("/admin/").content.decode()


def test_operators_are_added_on_the_public_host(operator: Client) -> None:
    operator.post("/admin/members/user/add/", {"email": "new@example.com", "password": PASSWORD, "name": "New"})
    made = User.objects.get(email="new@example.com")
    assert (made.role, made.name) == ("operator", "New")
    page = operator.get(f"/admin/members/user/{made.pk}/change/").content.decode()
    assert "Marketer" not in page
