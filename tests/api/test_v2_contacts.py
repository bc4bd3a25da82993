"""The contacts API: one contact, and the list."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactAttribute, DataSource, ImportReject, Suppression
from contacts.services.contacts import create_contact
from contacts.services.details import ContactDetails
from contacts.services.suppressing import suppress
from contacts.services.tagging import create_tag
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme)


def person(email: str, *, source: DataSource | None = None, **details: Any) -> Contact:
    return create_contact(details=ContactDetails(email=email, **details), source=source)


def listed(api: V2, **query: Any) -> list[str]:
    answer = api.get(f"contacts/{api.tenant.pk}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.content
    return [item["email"] for item in answer.json()["items"]]


def test_a_contact_is_created_with_everything(api: V2) -> None:
    create_tag(name="VIP")
    source = DataSource.objects.create(name="shop")
    answer = api.post(
        "contacts",
        {
            "tenant_id": api.tenant.pk,
            "email": "Ana@Example.com",
            "first_name": "Ana",
            "last_name": "Lee",
            "language": "fr_CA",
            "timezone": "Europe/Paris",
            "country": "France",
            "status": "unconfirmed",
            "tags": ["vip"],
            "attributes": {"city": "Lyon", "orders": 3, "member": True},
            "source_id": source.pk,
            "consent": {"at": "2026-03-01T09:00:00Z", "ip": "198.51.100.7", "note": "form"},
            "unknown": "ignored",
        },
    )
    assert answer.status_code == 201
    body = answer.json()
    contact = Contact.objects.get()
    assert body.pop("created_at")
    assert body.pop("updated_at")
    assert body == {
        "id": contact.pk,
        "tenant_id": api.tenant.pk,
        "email": "Ana@example.com",
        "first_name": "Ana",
        "last_name": "Lee",
        "language": "fr-ca",
        "timezone": "Europe/Paris",
        "country": "FR",
        "status": "unconfirmed",
        "tags": ["vip"],
        "attributes": {"city": "Lyon", "orders": 3, "member": True},
        "source_id": source.pk,
        "consent": {"at": "2026-03-01T09:00:00Z", "ip": "198.51.100.7", "note": "form"},
    }
    assert (contact.email_key, contact.source_id, contact.consent_ip) == ("ana@example.com", source.pk, "198.51.100.7")
    assert dict(ContactAttribute.objects.values_list("key", "type")) == {
        "city": "text",
        "orders": "number",
        "member": "boolean",
    }


def test_an_address_has_one_contact(api: V2) -> None:
    person("ana@example.com")
    answer = api.post("contacts", {"email": "ANA@example.com"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (409, "email")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "email"),
        ({"email": 5}, "email"),
        ({"email": "a@example.com", "first_name": "a\nb"}, "first_name"),
        ({"email": "a@example.com", "first_name": "a\0b"}, "first_name"),
        ({"email": "a@example.com", "last_name": "\ud800"}, "last_name"),
        ({"email": "a@example.com", "language": "French language"}, "language"),
        ({"email": "a@example.com", "timezone": "Mars/Base"}, "timezone"),
        ({"email": "a@example.com", "status": "bounced"}, "status"),
        ({"email": "a@example.com", "tags": ["unknown"]}, "tags"),
        ({"email": "a@example.com", "tags": "vip"}, "tags"),
        ({"email": "a@example.com", "attributes": []}, "attributes"),
        ({"email": "a@example.com", "attributes": {"No Key": 1}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"a": "b\0c"}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"a": ["\ud800"]}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"a": "x" * 70_000}}, "attributes"),
        ({"email": "a@example.com", "source_id": 12345}, "source_id"),
        ({"email": "a@example.com", "source_id": 2**63}, "source_id"),
        ({"email": "a@example.com", "consent": {"ip": "nowhere"}}, "consent.ip"),
        ({"email": "a@example.com", "consent": {"at": "2026-03-01"}}, "consent.at"),
    ],
)
def test_what_cannot_be_a_contact_is_refused_with_the_fields_name(api: V2, body: Any, field: str) -> None:
    answer = api.post("contacts", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Contact.objects.exists()


def test_a_suppressed_address_becomes_a_contact_that_is_not_mailed(api: V2) -> None:
    suppress(reason="complaint", origin="test", addresses=["a@example.com"])
    assert api.post("contacts", {"email": "a@example.com"}).json()["status"] == "complained"


def test_a_contact_is_told_in_as_many_queries_as_ever(api: V2) -> None:
    for name in ("a", "b", "c"):
        create_tag(name=name)
    plain, rich = person("p@example.com", tags=("a",)), person("r@example.com", tags=("a", "b", "c"))
    assert api.get(f"contacts/{api.tenant.pk}/{rich.pk}").json()["tags"] == ["a", "b", "c"]
    with CaptureQueriesContext(connection) as few:
        api.get(f"contacts/{api.tenant.pk}/{plain.pk}")
    with CaptureQueriesContext(connection) as many:
        api.get(f"contacts/{api.tenant.pk}/{rich.pk}")
    assert len(few) == len(many)


def test_the_list_takes_as_many_queries_for_many_as_for_one(api: V2) -> None:
    create_tag(name="a")
    person("p@example.com", tags=("a",))
    listed(api)
    with CaptureQueriesContext(connection) as few:
        assert len(listed(api)) == 1
    for number in range(40):
        person(f"p{number}@example.com", tags=("a",))
    with CaptureQueriesContext(connection) as many:
        assert len(listed(api)) == 41
    assert len(few) == len(many)


def test_the_list_comes_in_pages_the_newest_first(api: V2) -> None:
    for number in range(5):
        person(f"p{number}@example.com")
    path, seen, cursor = f"contacts/{api.tenant.pk}?limit=2&count=true", [], ""
    while cursor is not None:
        body = api.get(f"{path}&cursor={cursor}").json()
        assert body["total"] == 5
        seen += [item["email"][:2] for item in body["items"]]
        cursor = body["next_cursor"]
    assert seen == ["p4", "p3", "p2", "p1", "p0"]
    assert "total" not in api.get(f"contacts/{api.tenant.pk}").json()


def test_the_list_is_filtered(api: V2) -> None:
    for name in ("x", "y", "z"):
        create_tag(name=name)
    shop = DataSource.objects.create(name="shop")
    person("ana@example.com", first_name="Ana", last_name="Ångström", language="fr", country="FR", tags=("x", "y"))
    person("bo@example.com", first_name="BO", language="fr-ca", tags=("x",), attributes={"orders": 3, "member": True})
    person("cy@example.com", last_name="Boe", country="Narnia", tags=("z",), source=shop, attributes={"city": "Lyon"})
    suppress(reason="unsubscribed", origin="test", addresses=["cy@example.com"])
    everybody = ["cy@example.com", "bo@example.com", "ana@example.com"]
    cy, bo, ana = everybody
    assert listed(api) == everybody
    assert listed(api, q="bo") == [cy, bo]
    assert listed(api, q="ÅNG") == [ana]
    assert listed(api, q="AN") == [ana]
    assert listed(api, q="%") == []
    assert listed(api, status="active") == [bo, ana]
    assert listed(api, tag="x") == [bo, ana]
    assert listed(api, tag=["x", "y"]) == [ana]
    assert listed(api, tag_any=["y", "z"]) == [cy, ana]
    assert listed(api, exclude_tag=["z", "y"]) == [bo]
    assert listed(api, language="fr") == [bo, ana]
    assert listed(api, country="france") == [ana]
    assert listed(api, country="Narnia") == [cy]
    assert listed(api, source_id=shop.pk) == [cy]
    assert listed(api, **{"attribute.orders": "3"}) == [bo]
    assert listed(api, **{"attribute[orders]": "3.0", "attribute.member": "true"}) == [bo]
    assert listed(api, **{"attribute.city": "Lyon"}) == [cy]
    assert listed(api, **{"attribute.city": "lyon"}) == []
    assert listed(api, tag="x", language="fr", q="a") == [ana]
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert listed(api, created_after=(now - hour).isoformat(), updated_after=(now - hour).isoformat()) == everybody
    assert listed(api, created_before=(now - hour).isoformat()) == []


def test_the_total_is_exact_for_every_filter(api: V2) -> None:
    create_tag(name="x")
    for number in range(4):
        person(f"p{number}@example.com", tags=("x",) if number else (), language=("fr", "fr-be", "fro", "")[number])
    suppress(reason="manual", origin="test", addresses=["p3@example.com"])
    totals = {
        query: api.get(f"contacts/{api.tenant.pk}?count=true&{query}").json()["total"]
        for query in ("", "status=active", "status=bounced", "tag=x", "language=fr", "language=fr&tag=x", "q=p1")
    }
    assert totals == {
        "": 4,
        "status=active": 3,
        "status=bounced": 0,
        "tag=x": 3,
        "language=fr": 2,
        "language=fr&tag=x": 1,
        "q=p1": 1,
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("cursor=%00", "cursor"),
        ("status=mailable", "status"),
        ("tag=unknown", "tag"),
        ("tag_any=unknown", "tag_any"),
        ("exclude_tag=unknown", "exclude_tag"),
        ("language=French+language", "language"),
        ("source_id=x", "source_id"),
        (f"source_id={2**63}", "source_id"),
        ("created_after=yesterday", "created_after"),
        ("created_before=0001-01-01T00:00:00%2B14:00", "created_before"),
        ("updated_after=2026-01-01", "updated_after"),
        ("attribute.size=3", "attribute.size"),
        ("attribute=city:Paris", "attribute"),
        ("attribute.orders=many", "attribute.orders"),
        ("attribute[orders]=NaN", "attributes"),
        ("q=%00", "q"),
        ("count=perhaps", "count"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_with_its_name(api: V2, query: str, field: str) -> None:
    person("a@example.com", attributes={"orders": 3})
    answer = api.get(f"contacts/{api.tenant.pk}?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_a_contact_is_changed_in_part(api: V2) -> None:
    create_tag(name="x")
    contact = person("a@example.com", first_name="Ana", last_name="Lee", attributes={"city": "Bonn", "orders": 1})
    path = f"contacts/{api.tenant.pk}/{contact.pk}"
    answer = api.put(path, {"first_name": "Anna", "attributes": {"city": None, "orders": 2}, "tags": ["x"]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["first_name"], body["last_name"], body["tags"]) == ("Anna", "Lee", ["x"])
    assert body["attributes"] == {"orders": 2}
    contact.refresh_from_db()
    assert (contact.first_name, contact.attributes) == ("Anna", {"orders": 2})
    person("b@example.com")
    assert api.put(path, {"email": "B@example.com"}).status_code == 409
    assert api.put(path, {"attributes": {"orders": "three"}}).status_code == 422
    assert api.put(path, {"tags": []}).json()["tags"] == []


def test_a_status_that_forbids_mail_goes_on_the_list_and_is_not_taken_back_by_the_way(api: V2) -> None:
    contact = person("a@example.com")
    path = f"contacts/{api.tenant.pk}/{contact.pk}"
    assert api.put(path, {"status": "unconfirmed"}).json()["status"] == "unconfirmed"
    assert api.put(path, {"status": "active"}).json()["status"] == "active"
    assert api.put(path, {"status": "unsubscribed"}).json()["status"] == "unsubscribed"
    assert Suppression.objects.values_list("email_key", "reason", "origin").get() == (
        "a@example.com",
        "unsubscribed",
        "api",
    )
    refused = api.put(path, {"status": "active"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (409, "status")
    contact.refresh_from_db()
    assert contact.status == "unsubscribed"


def test_an_erased_person_leaves_no_trace_but_what_keeps_him_from_being_mailed(api: V2) -> None:
    contact = person("a@example.com", first_name="Ana")
    answer = api.delete(f"contacts/{api.tenant.pk}/{contact.pk}?suppress=true")
    assert answer.status_code == 200
    assert answer.json() == {"contact_id": contact.pk, "suppressed": True, "rejected_rows": 0, "scrubbed_rows": 0}
    assert not Contact.objects.exists()
    assert not ImportReject.objects.exists()
    assert list(Suppression.objects.values_list("email_key", "reason")) == [("a@example.com", "manual")]
    assert api.get(f"contacts/{api.tenant.pk}/{contact.pk}").status_code == 404
    other = person("b@example.com")
    assert api.delete(f"contacts/{api.tenant.pk}/{other.pk}").json()["suppressed"] is False


def test_another_tenants_key_and_ids_lead_to_no_contact(api: V2, globex: Tenant) -> None:
    contact = person("a@example.com")
    stranger = caller(globex)
    assert stranger.post("contacts", {"tenant_id": api.tenant.pk, "email": "b@example.com"}).status_code == 403
    assert stranger.get(f"contacts/{api.tenant.pk}").status_code == 403
    for tenant, status in ((api.tenant, 403), (globex, 404)):
        path = f"contacts/{tenant.pk}/{contact.pk}"
        assert stranger.get(path).status_code == status
        assert stranger.put(path, {"first_name": "x"}).status_code == status
        assert stranger.delete(path).status_code == status
    assert listed(stranger) == []
    assert api.get(f"contacts/{api.tenant.pk}/{2**70}").status_code == 404
    assert Contact.objects.get().first_name == ""


def test_a_key_that_reads_changes_no_contact(acme: Tenant) -> None:
    contact = person("a@example.com")
    reader = caller(acme, scopes=["read"])
    path = f"contacts/{acme.pk}/{contact.pk}"
    assert reader.get(path).status_code == 200
    assert reader.post("contacts", {"email": "b@example.com"}).status_code == 403
    assert reader.put(path, {"first_name": "x"}).status_code == 403
    assert reader.delete(path).status_code == 403
    for action in ("bulk", "tag", "untag"):
        assert reader.post(f"contacts/{acme.pk}/{action}", {"contacts": []}).status_code == 403
