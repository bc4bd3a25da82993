"""The suppression list of the API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Suppression
from contacts.services.suppressing import suppress
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme)


def entry(email: str, reason: str) -> Suppression:
    suppress(reason=reason, origin="test", addresses=[email])
    return Suppression.objects.get(email_key=email, reason=reason)


def test_one_address_is_suppressed_and_its_contact_follows(api: V2) -> None:
    contact = Contact.objects.create(email="Ana@example.com", email_key="ana@example.com")
    answer = api.post(
        "suppressions", {"tenant_id": api.tenant.pk, "email": "ANA@example.com", "reason": "unsubscribed", "note": "n"}
    )
    assert answer.status_code == 201
    assert answer.json() == {"tenant_id": api.tenant.pk, "reason": "unsubscribed", "added": 1, "known": 0}
    row = Suppression.objects.get()
    assert (row.email_key, row.reason, row.note, row.origin) == ("ana@example.com", "unsubscribed", "n", "api")
    contact.refresh_from_db()
    assert contact.status == "unsubscribed"


def test_ten_thousand_addresses_are_suppressed_in_one_call(api: V2) -> None:
    emails = [f"p{n}@example.com" for n in range(9_998)]
    suppress(reason="manual", origin="test", addresses=emails[:10])
    answer = api.post("suppressions", {"emails": [*emails, "P1@example.com", "p2@Example.com"]})
    assert answer.json() == {"tenant_id": api.tenant.pk, "reason": "manual", "added": 9_988, "known": 10}
    assert Suppression.objects.count() == 9_998


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"emails": []}, "email"),
        ({"email": "nobody"}, "email"),
        ({"emails": ["a@example.com", "nobody"]}, "emails.1"),
        ({"emails": ["a@example.com"] * 10_001}, "emails"),
        ({"email": "a@example.com", "reason": "spite"}, "reason"),
        ({"email": "a@example.com", "note": "a\0b"}, "note"),
    ],
)
def test_what_cannot_be_suppressed_is_refused_and_nothing_is(api: V2, body: Any, field: str) -> None:
    answer = api.post("suppressions", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Suppression.objects.exists()


def test_the_list_is_filtered_and_comes_in_pages(api: V2) -> None:
    for number in range(3):
        entry(f"p{number}@example.com", "manual")
    last = entry("q@example.com", "complaint")
    path = f"suppressions/{api.tenant.pk}"
    body = api.get(f"{path}?reason=complaint").json()
    created = body["items"][0].pop("created_at")
    assert created
    assert body == {
        "items": [
            {
                "id": last.pk,
                "tenant_id": api.tenant.pk,
                "email": "q@example.com",
                "reason": "complaint",
                "note": "",
                "origin": "test",
            }
        ],
        "next_cursor": None,
    }
    first = api.get(f"{path}?q=P&limit=2").json()
    second = api.get(f"{path}?q=P&limit=2&cursor={first['next_cursor']}").json()
    emails = [item["email"] for page in (first, second) for item in page["items"]]
    assert (emails, second["next_cursor"]) == (["p2@example.com", "p1@example.com", "p0@example.com"], None)
    for query, field in (("reason=spite", "reason"), ("q=%00", "q"), ("limit=x", "limit")):
        refused = api.get(f"{path}?{query}")
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


def test_the_list_takes_one_query_for_many_as_for_one(api: V2) -> None:
    entry("a@example.com", "manual")
    api.get(f"suppressions/{api.tenant.pk}")
    with CaptureQueriesContext(connection) as few:
        api.get(f"suppressions/{api.tenant.pk}")
    suppress(reason="manual", origin="test", addresses=[f"p{n}@example.com" for n in range(60)])
    with CaptureQueriesContext(connection) as many:
        assert len(api.get(f"suppressions/{api.tenant.pk}?limit=500").json()["items"]) == 61
    assert len(few) == len(many)


def test_an_address_is_checked(api: V2) -> None:
    entry("left@example.com", "unsubscribed")
    entry("dead@example.com", "unsubscribed")
    entry("dead@example.com", "hard_bounce")
    path = f"suppressions/{api.tenant.pk}/check?email="

    def told(email: str) -> Any:
        return api.get(path + email).json()

    assert told("free@example.com") == {
        "email": "free@example.com",
        "suppressed": False,
        "marketing": True,
        "transactional": True,
        "reasons": [],
    }
    left, dead = told("LEFT@example.com"), told("dead@example.com")
    assert (left["suppressed"], left["marketing"], left["transactional"]) == (True, False, True)
    assert (dead["transactional"], dead["reasons"]) == (False, ["hard_bounce", "unsubscribed"])
    refused = api.get(path)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "email")


def test_an_entry_is_removed_and_the_contact_is_mailed_again(api: V2) -> None:
    contact = Contact.objects.create(email="a@example.com", email_key="a@example.com")
    row = entry("a@example.com", "unsubscribed")
    path = f"suppressions/{api.tenant.pk}/{row.pk}"
    assert api.get(path).json()["reason"] == "unsubscribed"
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Suppression.objects.exists()
    contact.refresh_from_db()
    assert contact.status == "active"
    assert api.delete(path).status_code == 404


@pytest.mark.parametrize("reason", ["hard_bounce", "complaint"])
def test_a_grave_entry_is_removed_by_force_and_by_an_admin_only(acme: Tenant, reason: str) -> None:
    row = entry("a@example.com", reason)
    path = f"suppressions/{acme.pk}/{row.pk}"
    keeper, admin = caller(acme, scopes=["contacts"]), caller(acme, scopes=["contacts", "admin"])
    assert keeper.delete(path).status_code == 409
    assert keeper.delete(f"{path}?force=true").status_code == 403
    assert admin.delete(path).status_code == 409
    assert Suppression.objects.exists()
    assert admin.delete(f"{path}?force=true").status_code == 204
    assert not Suppression.objects.exists()


def test_another_tenants_key_and_ids_lead_to_no_entry(api: V2, globex: Tenant) -> None:
    row = entry("a@example.com", "manual")
    stranger = caller(globex)
    assert stranger.post("suppressions", {"tenant_id": api.tenant.pk, "email": "b@example.com"}).status_code == 403
    assert stranger.get(f"suppressions/{api.tenant.pk}").status_code == 403
    assert stranger.get(f"suppressions/{api.tenant.pk}/check?email=a@example.com").status_code == 403
    for tenant, status in ((api.tenant, 403), (globex, 404)):
        path = f"suppressions/{tenant.pk}/{row.pk}"
        assert stranger.get(path).status_code == status
        assert stranger.delete(path).status_code == status
    assert stranger.get(f"suppressions/{globex.pk}").json()["items"] == []
    assert stranger.get(f"suppressions/{globex.pk}/check?email=a@example.com").json()["suppressed"] is False
    assert Suppression.objects.count() == 1
