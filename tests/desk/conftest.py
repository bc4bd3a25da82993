"""People at their desks: each client is logged in as one role, on the host that is theirs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Template
from campaigns.services.drafts import Draft, create_campaign
from campaigns.services.templates import TemplateText, create_template
from contacts.models import Contact, Tag
from contacts.services.contacts import create_contact
from contacts.services.details import ContactDetails
from contacts.services.tagging import create_tag
from deliverability.models import DkimKey, SendingDomain
from outbound.models import ProviderAccount
from outbound.services.providers import create_provider
from tenants.members.models import Role, User
from tenants.models import Tenant
from tenants.scope import hosts, tenant_scope

HTML = '<p>Hello {{ first_name | default("friend") }}, <a href="https://shop.example/">look</a></p>'


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Half a second for each password would be most of the time these tests take."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def forgotten_hosts() -> Iterator[None]:
    """The memory of hosts would outlive a test's transaction."""
    hosts.forget()
    yield
    hosts.forget()


@pytest.fixture
def known_hosts(db: None) -> None:
    """Their look-ups are not to be counted with a page's queries."""
    for host in ("acme.testserver", "globex.testserver", "localhost"):
        hosts.find(host)


def logged_in(tenant: Tenant, role: str) -> Client:
    with tenant_scope(tenant):
        user = User.objects.create(email=f"{role}@{tenant.slug}.example", role=role)
        client = Client(HTTP_HOST=f"{tenant.slug}.testserver")
        client.force_login(user)
    return client


@pytest.fixture
def owner(acme: Tenant, known_hosts: None) -> Client:
    return logged_in(acme, Role.OWNER)


@pytest.fixture
def marketer(acme: Tenant, known_hosts: None) -> Client:
    return logged_in(acme, Role.MARKETER)


@pytest.fixture
def viewer(acme: Tenant, known_hosts: None) -> Client:
    return logged_in(acme, Role.VIEWER)


@pytest.fixture
def operator(known_hosts: None) -> Client:
    connection.set_schema_to_public()
    user = User.objects.create(email="operator@example.com", role=Role.OPERATOR)
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    return client


@pytest.fixture
def inside(acme: Tenant) -> Callable[[], object]:
    """`with inside():` looks into acme; a request leaves the connection in public."""

    @contextmanager
    def enter() -> Iterator[Tenant]:
        with tenant_scope(acme):
            yield acme

    return enter


def queries(client: Client, url: str) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def person(email: str, *tags: str, **details: str) -> Contact:
    return create_contact(details=ContactDetails(email=email, tags=tags, **details))


def provider() -> ProviderAccount:
    return create_provider(name="Relay", host="127.0.0.1", port=2525, tls="none")


def signed_domain(name: str = "acme.example") -> SendingDomain:
    """With a key that no test signs with: making a real one takes a tenth of a second."""
    domain = SendingDomain.objects.create(name=name)
    DkimKey.objects.create(
        domain=domain, selector="ls1", algorithm="rsa-sha256", record="v=DKIM1; p=abc", is_active=False
    )
    return domain


def template(name: str = "News", **written: str) -> Template:
    return create_template(written=TemplateText(**{"name": name, "subject": "News", "html": HTML, **written}))


def campaign(name: str = "Spring", of: Template | None = None, **draft: object) -> Campaign:
    return create_campaign(
        draft=Draft(name=name, template=of or template(f"For {name}"), sender="News <news@acme.example>", **draft)
    )


def tag(name: str) -> Tag:
    return create_tag(name=name)
