"""The examples that clients of the campaign engine were written from, over real HTTP, with a key."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from campaigns.models import Template
from contacts.models import Contact, DataSource, Tag
from contacts.services.tagging import create_tag
from deliverability.services.domains import create_sending_domain
from tenants.models import Tenant
from tenants.services.keys import create_api_key
from tests.api.live import listening


@dataclass(frozen=True)
class Caller:
    port: int
    key: str
    tenant: Tenant

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://localhost:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"X-API-Key": self.key} | ({"Content-Type": "application/json"} if body is not None else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def engine(live_tenant: Tenant) -> Iterator[Caller]:
    for slug in ("verified", "active", "france", "belgium", "unsubscribed", "bounced", "real_estate"):
        create_tag(slug=slug, name=slug.replace("_", " ").title())
    tags = sorted(Tag.objects.filter(slug__in=["verified", "active", "france"]).values_list("pk", flat=True))
    Contact.objects.create(email="ann@example.com", email_key="ann@example.com", tags=tags, language="fr")
    create_sending_domain(name="live.example")
    _, key = create_api_key(tenant=live_tenant, name="examples")
    with listening() as port:
        yield Caller(port, key, live_tenant)


def test_example_1_create_a_campaign(engine: Caller) -> None:
    template = Template.objects.create(name="letter", language="fr", subject="Bonjour", html="<p>Bonjour</p>")
    status, campaign = engine.call(
        "POST",
        "/api/v2/campaigns",
        {
            "tenant_id": engine.tenant.pk,
            "name": "French Real Estate Q1 2026",
            "template_id": template.pk,
            "language": "fr",
            "category": "real_estate",
            "tags_all": ["verified", "active"],
            "tags_any": ["france", "belgium"],
            "exclude_tags": ["unsubscribed", "bounced"],
            "scheduled_at": "2026-03-01T09:00:00Z",
        },
    )
    assert status == 201, campaign
    assert campaign["tags_any"] == ["france", "belgium"]


def test_example_2_statistics(engine: Caller) -> None:
    for path in ("contacts", "performance?days=30", "overview"):
        status, told = engine.call("GET", f"/api/v2/stats/{engine.tenant.pk}/{path}")
        assert status == 200, told


def test_example_4_tags_with_their_counts(engine: Caller) -> None:
    status, tags = engine.call("GET", f"/api/v2/tags/{engine.tenant.pk}")
    assert status == 200
    verified = next(tag for tag in tags if tag["slug"] == "verified")
    assert verified.pop("id")
    assert verified == {
        "tenant_id": engine.tenant.pk,
        "slug": "verified",
        "name": "Verified",
        "description": "",
        "contact_count": 1,
    }


def test_example_5_a_data_source_is_synced(engine: Caller) -> None:
    status, source = engine.call(
        "POST",
        "/api/v2/data-sources",
        {
            "tenant_id": engine.tenant.pk,
            "name": "Scraper-Pro France",
            "type": "scraper-pro",
            "config": {"url": "https://scraper.example/api/contacts"},
        },
    )
    assert status == 201, source
    path = f"/api/v2/data-sources/{engine.tenant.pk}/{source['id']}/sync"
    status, told = engine.call("POST", path, {"force": False})
    assert (status, told) == (
        200,
        {
            "success": True,
            "message": "Sync triggered for Scraper-Pro France",
            "source_id": source["id"],
            "type": "scraper-pro",
        },
    )
    assert DataSource.objects.filter(pk=source["id"]).exists()
