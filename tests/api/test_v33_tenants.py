"""Two tenants side by side: each with a brand, a sender, a domain, a provider and contacts of its own."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.access.key_checks import remembered
from api.docs.document import openapi_document
from campaigns.models import Campaign, Template
from campaigns.services.senders import default_sender
from contacts.models import Contact, DataSource, Import, Segment, Suppression, Tag
from deliverability.models import SendingDomain
from deliverability.services.domains import create_sending_domain
from outbound.models import ProviderAccount
from outbound.services.providers import create_provider
from tenants.models import Host, Tenant
from tenants.scope import tenant_scope
from tenants.services.profile import Profile, profile_of, set_profile
from tests.api.v2_cast import V2, caller

NEAR, FAR = 900_000_001, 900_000_002
PATHS: dict[str, Any] = json.loads(openapi_document())["paths"]
OF_A_TENANT = [path for path in PATHS if "{tenant_id}" in path]
LISTS = [path for path in OF_A_TENANT if path.count("{") == 1 and "get" in PATHS[path]]
ITEMS = [path for path in OF_A_TENANT if path.count("{") > 1 and "get" in PATHS[path]]
# What a list cannot be asked for without.
QUERIES = {"/api/v2/contacts/{tenant_id}/lookup": "email=nobody@example.com"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered.forget()
    yield
    remembered.forget()


def furnish(tenant: Tenant, word: str, first: int) -> None:
    """One of everything, each with the word in it, at ids from `first` on."""
    with tenant_scope(tenant):
        set_profile(tenant=tenant, brand_domain=f"{word}.example", sender=f"{word} <news@{word}.example>")
        create_sending_domain(name=f"mail.{word}.example")
        create_provider(name=f"{word} relay", host=f"smtp.{word}.example", port=587)
        tag = Tag.objects.create(pk=first, slug=word, name=word)
        source = DataSource.objects.create(pk=first, name=word)
        Contact.objects.create(
            pk=first, email=f"ana@{word}.example", email_key=f"ana@{word}.example", tags=[tag.pk], source=source
        )
        Suppression.objects.create(
            pk=first, email=f"no@{word}.example", email_key=f"no@{word}.example", reason="manual"
        )
        segment = Segment.objects.create(pk=first, name=word, tree={"tag": word})
        Import.objects.create(pk=first, file_name=f"{word}.csv", path=f"{word}.csv")
        template = Template.objects.create(pk=first, name=word, subject=word, html=f"<p>{word}</p>")
        Campaign.objects.create(
            pk=first, name=word, template=template, from_address=f"news@{word}.example", segment=segment
        )


def filled(path: str, tenant: Tenant, other: int = FAR) -> str:
    """The path below /api/v2/ with the tenant's id, and `other` for every other parameter."""
    parts = path.removeprefix("/api/v2/").replace("{tenant_id}", str(tenant.pk)).split("/")
    return "/".join(str(other) if part.startswith("{") else part for part in parts)


def test_v33_each_tenant_has_its_own_brand_sender_domain_provider_and_contacts(acme: Tenant, globex: Tenant) -> None:
    furnish(acme, "owl", NEAR)
    furnish(globex, "zebra", FAR)
    for tenant, word, other in ((acme, "owl", "zebra"), (globex, "zebra", "owl")):
        assert profile_of(tenant) == Profile(f"{word}.example", word, f"news@{word}.example", "")
        with tenant_scope(tenant):
            assert list(SendingDomain.objects.values_list("name", flat=True)) == [f"mail.{word}.example"]
            assert list(ProviderAccount.objects.values_list("host", flat=True)) == [f"smtp.{word}.example"]
            assert list(Contact.objects.values_list("email", flat=True)) == [f"ana@{word}.example"]
            assert default_sender().sender == f'"{word}" <news@{word}.example>'
        made = caller(tenant).post("campaigns", {"name": "x", "template_id": NEAR if tenant == acme else FAR})
        assert made.status_code == 201, made.content
        assert made.json()["from_email"] == f"news@{word}.example"
        taken = caller(tenant).post("campaigns", {"name": "x", "template_id": FAR if tenant == acme else NEAR})
        assert taken.status_code in (404, 422)
        assert other not in taken.content.decode()


def test_v33_nothing_of_one_tenant_is_seen_by_the_other_on_any_path(acme: Tenant, globex: Tenant) -> None:
    furnish(acme, "owl", NEAR)
    furnish(globex, "zebra", FAR)
    client = caller(acme, scopes=["read", "stats", "contacts", "campaigns", "webhooks", "admin"])
    assert len(LISTS) > 10
    assert len(ITEMS) > 10
    for path in LISTS:
        answer = client.get(f"{filled(path, acme)}?{QUERIES.get(path, '')}")
        assert b"zebra" not in answer.getvalue(), path
        assert answer.status_code < 500, path
    for path in ITEMS:
        answer = client.get(filled(path, acme))
        assert answer.status_code in (404, 409, 422), (path, answer.status_code)
        assert b"zebra" not in answer.getvalue(), path
    for path in OF_A_TENANT:
        for method in PATHS[path]:
            answer = client.call(method.upper(), filled(path, globex), None if method in ("get", "delete") else {})
            assert answer.status_code == 403, (method, path, answer.status_code)
            assert answer.json()["error"]["code"] == "forbidden"
    with tenant_scope(globex):
        assert Campaign.objects.get().name == "zebra"
        assert Contact.objects.get().status == "active"


def test_v33_the_words_that_must_not_be_seen_are_there_for_their_owner(acme: Tenant, globex: Tenant) -> None:
    furnish(globex, "zebra", FAR)
    client = caller(globex, scopes=["read", "stats", "contacts", "campaigns", "webhooks", "admin"])
    seen = [path for path in [*LISTS, *ITEMS] if b"zebra" in client.get(filled(path, globex)).getvalue()]
    for name in ("campaigns", "contacts", "data-sources", "imports", "segments", "suppressions", "tags", "templates"):
        assert f"/api/v2/{name}/{{tenant_id}}" in seen
        assert any(path.startswith(f"/api/v2/{name}/{{tenant_id}}/{{") for path in seen), name
    assert "/api/v2/tenants/{tenant_id}" in seen


def test_v33_a_tenant_is_shown_in_full_with_as_many_queries_for_many_hosts_as_for_one(acme: Tenant) -> None:
    set_profile(tenant=acme, brand_domain="acme.example", sender="Acme <news@acme.example>", reply_to="a@acme.example")
    client = caller(acme, scopes=["read"])
    body = client.get(f"tenants/{acme.pk}").json()
    assert body.pop("created_at").endswith("Z")
    assert body == {
        "id": acme.pk,
        "slug": "acme",
        "name": "Acme",
        "workspace_id": acme.workspace_id,
        "plan": "pro",
        "brand_domain": "acme.example",
        "sender_name": "Acme",
        "sender_email": "news@acme.example",
        "reply_to": "a@acme.example",
        "hosts": ["acme.testserver"],
    }
    few = queries(client, f"tenants/{acme.pk}")
    Host.objects.bulk_create(Host(tenant=acme, domain=f"{n}.acme.example", is_primary=False) for n in range(20))
    assert queries(client, f"tenants/{acme.pk}") == few <= 2
    assert client.get(f"tenants/{acme.pk}").json()["hosts"][:2] == ["acme.testserver", "0.acme.example"]


def test_v33_brand_and_sender_are_changed_in_part(acme: Tenant) -> None:
    client = caller(acme, scopes=["read", "admin"])

    def put(**body: Any) -> tuple[str, str, str, str]:
        answer = client.put(f"tenants/{acme.pk}", body)
        assert answer.status_code == 200, answer.content
        shown = answer.json()
        assert shown == client.get(f"tenants/{acme.pk}").json()
        return shown["brand_domain"], shown["sender_name"], shown["sender_email"], shown["reply_to"]

    assert put() == ("", "", "", "")
    assert put(brand_domain="ACME.example.", sender_email="News@Acme.example") == (
        "acme.example", "", "News@acme.example", "",
    )  # fmt: skip
    assert put(sender_name='Doe, "Ana" \\ Co.') == ("acme.example", 'Doe, "Ana" \\ Co.', "News@acme.example", "")
    assert put(sender_email="ana@acme.example") == ("acme.example", 'Doe, "Ana" \\ Co.', "ana@acme.example", "")
    assert put(reply_to="help@bücher.example")[3] == "help@xn--bcher-kva.example"
    assert put(sender_name="") == ("acme.example", "", "ana@acme.example", "help@xn--bcher-kva.example")
    assert put(sender_name="Ana")[1] == "Ana"
    # Without an address there is no name; and what is the operator's stays, whatever the body says.
    whole = client.get(f"tenants/{acme.pk}").json()
    assert put(**{**whole, "name": "Globex", "slug": "x", "plan": "free", "sender_name": "", "sender_email": ""}) == (
        "acme.example", "", "", "help@xn--bcher-kva.example",
    )  # fmt: skip
    acme.refresh_from_db()
    assert (acme.name, acme.slug, acme.plan.slug if acme.plan else "") == ("Acme", "acme", "pro")
    put(sender_name="Ana", sender_email="ana@acme.example")
    assert put(sender_email="") == ("acme.example", "", "", "help@xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"brand_domain": "nonsense"}, "brand_domain"),
        ({"brand_domain": "https://acme.example"}, "brand_domain"),
        ({"brand_domain": 5}, "brand_domain"),
        ({"brand_domain": None}, "brand_domain"),
        ({"brand_domain": "a\x00.example"}, "brand_domain"),
        ({"sender_email": "nobody"}, "sender_email"),
        ({"sender_email": "Ana <ana@acme.example>"}, "sender_email"),
        ({"sender_email": "a@acme.example\r\nBcc: x@y.example"}, "sender_email"),
        ({"sender_email": "josé@acme.example"}, "sender_email"),
        ({"sender_name": "Ana"}, "sender_email"),
        ({"sender_name": "A\nB", "sender_email": "a@acme.example"}, "sender_email"),
        ({"sender_name": "x" * 121}, "sender_name"),
        ({"reply_to": "a@b@c.example"}, "reply_to"),
        ({"reply_to": "\ud800"}, "reply_to"),
    ],
    ids=str,
)
def test_v33_what_cannot_be_is_refused_at_its_field_and_changes_nothing(
    acme: Tenant, body: dict[str, Any], field: str
) -> None:
    answer = caller(acme, scopes=["admin"]).put(f"tenants/{acme.pk}", {"brand_domain": "acme.example", **body})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.content
    assert profile_of(acme) == Profile()


def test_v33_a_tenant_is_for_its_own_keys_and_is_changed_with_the_scope_admin_only(
    acme: Tenant, globex: Tenant
) -> None:
    change = {"brand_domain": "acme.example"}
    for client, method, status in (
        (caller(globex), "GET", 403),
        (caller(globex, scopes=["admin"]), "PUT", 403),
        (caller(acme, scopes=["read", "campaigns"]), "PUT", 403),
        (caller(acme, scopes=["campaigns"]), "GET", 403),
        (V2(acme, ""), "GET", 401),
        (caller(globex, is_admin=True), "PUT", 200),
    ):
        assert client.call(method, f"tenants/{acme.pk}", change if method == "PUT" else None).status_code == status
    assert caller(globex, is_admin=True).get("tenants/999999999").status_code == 404
    assert (profile_of(acme).brand_domain, profile_of(globex).brand_domain) == ("acme.example", "")


def test_v33_a_tenant_is_made_with_brand_and_sender_on_the_command_line(db: None) -> None:
    def make(slug: str, *options: str) -> dict[str, Any]:
        told = StringIO()
        host = f"{slug}.example"
        call_command("create_tenant", slug, "--name", slug, "--host", host, "--json", *options, stdout=told)
        answer: dict[str, Any] = json.loads(told.getvalue())
        return answer

    made = make("initech", "--brand-domain", "initech.com", "--sender", '"Bill, of Initech" <bill@initech.com>')
    assert (made["brand_domain"], made["sender_name"], made["sender_address"]) == (
        "initech.com", "Bill, of Initech", "bill@initech.com",
    )  # fmt: skip
    assert profile_of(Tenant.objects.get(slug="initech")).sender_address == "bill@initech.com"
    for option, value in (("--brand-domain", "nonsense"), ("--sender", "nobody")):
        with pytest.raises(CommandError):
            make("hooli", option, value)
    assert not Tenant.objects.filter(slug="hooli").exists()


def queries(client: V2, path: str) -> int:
    """How many a call takes once its key is known."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    # Entering a tenant sets the search path.
    return sum("search_path" not in query["sql"].lower() for query in captured)
