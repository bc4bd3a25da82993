"""Every example of a body in the documentation works when it is pasted, with ids that exist."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from api.callbacks.endpoints import EndpointDraft, create_endpoint
from api.docs.document import openapi_document
from campaigns.models import Campaign, Template
from contacts.models import Contact, DataSource, Import, Segment, Tag
from contacts.services.tagging import create_tag
from deliverability.services.domains import create_sending_domain
from outbound.services.providers import create_provider
from tenants.models import ApiKey, Tenant
from tenants.services.keys import SCOPES
from tenants.services.setting_rows import rows
from tests.api.provider_servers import mailgun_server
from tests.api.relay_cast import relay

_DOCUMENT = json.loads(openapi_document())
EXAMPLES = [
    (method, path, name, example["value"])
    for path, methods in _DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for name, example in operation.get("requestBody", {})
    .get("content", {})
    .get("application/json", {})
    .get("examples", {})
    .items()
]
# What these do needs a server elsewhere, a second tenant or a state that the example cannot bring along.
_OTHER_ANSWERS = {
    ("post", "/api/v2/campaigns/{tenant_id}/{campaign_id}/test"): {200, 503},
    ("post", "/api/v2/data-sources/{tenant_id}/{source_id}/test"): {200, 409, 422, 503},
    ("post", "/api/v2/data-sources/{tenant_id}/{source_id}/sync"): {200, 409},
    ("post", "/api/v2/campaigns/{tenant_id}/{campaign_id}/variants/winner"): {200, 404, 409},
    # The example's key is cut short.
    ("post", "/api/providers/gmail/validate"): {400},
}
_WORDS = ("verified", "active", "france", "belgium", "unsubscribed", "bounced", "customer", "vip")


_SENDERS = ("acme.example", "example.com", "yourdomain.com")


@pytest.fixture(autouse=True)
def _settings_are_read_anew() -> Iterator[None]:
    """What an example changes is rolled back."""
    rows.forget()
    yield
    rows.forget()


@pytest.fixture(autouse=True)
def _mailgun_answers(settings: LazySettings) -> Iterator[None]:
    with mailgun_server("mg.example.com") as server:
        settings.MAILGUN_URL_US = server.url
        yield


@pytest.fixture
def ids(acme: Tenant, tmp_path: Path) -> dict[str, Any]:
    for word in _WORDS:
        create_tag(slug=word, name=word.title())
    contact = Contact.objects.create(email="ann@example.com", email_key="ann@example.com")
    for name in _SENDERS:
        create_sending_domain(name=name)
    provider = create_provider(name="relay", host="127.0.0.1", port=1, tls="none")
    template = Template.objects.create(name="letter", subject="Hello", html="<p>Hello {{ first_name }}</p>")
    campaign = Campaign.objects.create(
        name="Spring", template=template, from_address="news@acme.example", provider=provider
    )
    file = tmp_path / "a.csv"
    file.write_text("email,first_name\nben@example.com,Ben\n")
    return {
        "email": contact.email,
        "refresh_token": relay(acme).post("auth/token", {}).json()["data"]["refresh_token"],
        "contact_id": contact.pk,
        "tag_id": Tag.objects.get(slug="vip").pk,
        "template_id": template.pk,
        "campaign_id": campaign.pk,
        "provider_id": provider.pk,
        "source_id": DataSource.objects.create(name="by hand", type="manual").pk,
        "segment_id": Segment.objects.create(name="all", tree={"field": "status", "is": "active"}).pk,
        "endpoint_id": create_endpoint(EndpointDraft("https://hooks.acme.example/"))[0].pk,
        "import_id": Import.objects.create(file_name="a.csv", path=str(file), size=file.stat().st_size).pk,
    }


def _filled(value: Any, ids: dict[str, Any], tenant: Tenant) -> Any:
    """The example with the numbers of things that are here, and a token that was given here."""
    if isinstance(value, list):
        return [_filled(one, ids, tenant) for one in value]
    if not isinstance(value, dict):
        return value
    known = {**ids, "tenant_id": tenant.pk}
    filled = {name: _filled(one, ids, tenant) for name, one in value.items()}
    for name, one in filled.items():
        if name == "refresh_token" or (name in known and isinstance(one, int)):
            filled[name] = known[name]
        elif name.endswith("_ids") and isinstance(one, list) and name[:-1] in known:
            filled[name] = [known[name[:-1]]]
    return filled


@pytest.mark.parametrize(
    ("method", "path", "name", "body"), EXAMPLES, ids=[f"{method} {path} {name}" for method, path, name, _ in EXAMPLES]
)
def test_v31_an_example_works_when_it_is_pasted(
    acme: Tenant, ids: dict[str, Any], method: str, path: str, name: str, body: Any
) -> None:
    user = relay(acme, scopes=list(SCOPES), is_admin=path.startswith("/api/admin/"))
    ids["key_id"] = ApiKey.objects.filter(tenant=acme).latest("pk").pk
    place = path.format(tenant_id=acme.pk, **{**dict.fromkeys(_unknown(path, ids), 1), **ids})
    answer = user.call(method.upper(), place, _filled(body, ids, acme))
    allowed = _OTHER_ANSWERS.get((method, path), {200, 201, 202, 204})
    assert answer.status_code in allowed, answer.content


def _unknown(path: str, ids: dict[str, Any]) -> set[str]:
    names = {part.strip("{}") for part in path.split("/") if part.startswith("{")}
    return names - set(ids) - {"tenant_id"}


def test_there_are_examples_of_every_dialect() -> None:
    assert len(EXAMPLES) > 40
    paths = {path for _, path, _, _ in EXAMPLES}
    assert paths > {"/send", "/api/v1/send", "/api/messages", "/api/recipients/{email}", "/api/v1/emails"}
