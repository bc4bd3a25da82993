"""Every address of both desks, taken from the URL map so that a new page is included by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from contacts.models import Import
from contacts.services.suppressing import suppress
from tenants.models import ApiKey, DueWork, Tenant
from tests.desk.conftest import campaign, person, provider, signed_domain, tag

# Leaving ends the session, and a health page waits for workers that are not there.
_PASSED_OVER = ("logout/", "duework/health/", "jsi18n/")


def addresses(urlconf: str) -> list[str]:
    return [url for url in _walk(get_resolver(urlconf).url_patterns, "/") if not url.endswith(_PASSED_OVER)]


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif "(?P" not in route:
            yield route


def filled(url: str, pk: int) -> str:
    for parameter in ("<int:pk>", "<path:object_id>", "<id>", "<int:content_type_id>"):
        url = url.replace(parameter, str(pk))
    return url


def rows_of(url: str) -> list[int]:
    """The ids of a row of the list the address lies below, and of none."""
    app, model = [*url.split("/"), "", ""][2:4]
    if "<" not in url:
        return [0]
    known = app in apps.app_configs and (model in apps.all_models[app] or "/contact/" in url)
    found = apps.get_model(*(("contacts", "contact") if "/contact/" in url else (app, model))) if known else None
    first = found._default_manager.order_by("-pk").values_list("pk", flat=True).first() if found else None
    return [0, first] if first else [0]


def failures(client: Client, urls: list[tuple[str, list[int]]]) -> list[tuple[str, int]]:
    asked = [filled(url, pk) for url, ids in urls for pk in ids]
    answered = [(url, client.get(url).status_code) for url in asked]
    return [(url, status) for url, status in answered if status >= 500]


@pytest.fixture
def things(acme: Tenant) -> None:
    """One of each, all with ids that are looked up below by trying."""
    ana = person("ana@example.com", tag("VIP").slug)
    suppress(contact_ids=[ana.pk], reason="manual", origin="test")
    campaign()
    provider()
    signed_domain()
    Import.objects.create(file_name="a.csv", path="/nowhere/a.csv")


def test_no_address_of_a_tenants_desk_fails(owner: Client, things: None, inside: Any) -> None:
    with inside():
        urls = [(url, rows_of(url)) for url in addresses("config.urls_tenant")]
    assert failures(owner, urls) == []


def test_no_address_of_the_operators_desk_fails(operator: Client, acme: Tenant) -> None:
    connection.set_schema_to_public()
    ApiKey.objects.create(tenant=acme, name="k", prefix="abc", hash="x")
    DueWork.objects.create(schema="acme", task="x", reference=1, due_at=acme.created_at)
    urls = [(url, rows_of(url)) for url in addresses("config.urls_public")]
    assert failures(operator, urls) == []


def test_nobody_reads_a_desk_without_logging_in(acme: Tenant) -> None:
    stranger = Client(HTTP_HOST="acme.testserver")
    for url in addresses("config.urls_tenant"):
        if url.startswith("/admin/") and not url.startswith("/admin/login"):
            assert stranger.get(filled(url, 1)).status_code in (302, 404), url
