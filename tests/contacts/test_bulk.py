"""Calls with many contacts that meet each other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from common.errors import InvalidInput
from contacts.importing.tag_ids import tag_slug
from contacts.models import Contact, Tag
from contacts.services.bulk import RowResult, upsert_contacts
from contacts.services.bulk_tagging import put_tags, take_tags
from contacts.services.tagging import create_tag
from tenants.models import Tenant
from tenants.scope import tenant_scope


def test_calls_that_bring_the_same_addresses_at_once_make_each_contact_once(live_tenant: Tenant) -> None:
    def call(number: int) -> list[RowResult]:
        try:
            with tenant_scope(live_tenant):
                emails = [f"p{n}@example.com" for n in range(300)]
                rows = [{"email": email} for email in (emails if number % 2 else reversed(emails))]
                return upsert_contacts(rows=rows, tags=["fair"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(call, range(4)))
    assert Contact.objects.count() == 300
    assert sum(result.status == "created" for one in results for result in one) == 300
    assert all(result.status in ("created", "unchanged") for one in results for result in one)
    assert len({frozenset(result.id for result in one) for one in results}) == 1


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("word", "slug"),
    [
        ("real_estate", "real_estate"),
        ("Real_Estate", "real_estate"),
        ("Real Estate", "real-estate"),
        ("__init__", "init"),
        ("a__b", "a__b"),
        ("Fair Köln", "fair-koln"),
        ("東京_2026", "東京_2026"),
    ],
)
def test_a_slug_is_the_same_whether_it_comes_from_an_import_or_a_person(word: str, slug: str) -> None:
    assert tag_slug(word) == tag_slug(slug) == slug
    tag = create_tag(name=word)
    [result] = upsert_contacts(rows=[{"email": "a@example.com", "tags": [word]}])
    assert Contact.objects.get(pk=result.id).tags == [tag.pk]
    assert Tag.objects.count() == 1


@pytest.mark.usefixtures("acme")
def test_a_slug_that_an_import_would_write_otherwise_is_refused_with_the_right_one() -> None:
    with pytest.raises(InvalidInput, match="'koln'"):
        create_tag(name="Köln", slug="köln")


@pytest.mark.usefixtures("acme")
def test_tags_stay_sorted_and_single() -> None:
    a, b, c = (create_tag(name=name) for name in "abc")
    contact = Contact.objects.create(email="a@example.com", email_key="a@example.com", tags=[b.pk])
    assert put_tags(contacts=Contact.objects.all(), tags=["c", "a", "b", "a"]) == 1
    contact.refresh_from_db()
    assert contact.tags == [a.pk, b.pk, c.pk]
    assert take_tags(contacts=Contact.objects.all(), tags=["b"]) == 1
    contact.refresh_from_db()
    assert contact.tags == [a.pk, c.pk]
