"""The suppression list and the contacts' status change together."""

import threading

import psycopg
import pytest

from common.addresses import InvalidAddress
from common.database import connect
from common.errors import InvalidInput, NoTenant
from contacts.models import Contact, ContactStatus, Suppression
from contacts.services.suppressing import suppress, suppress_contacts, unsuppress
from tenants.models import Tenant
from tenants.scope import tenant_scope


def contact(email: str, status: str = ContactStatus.ACTIVE) -> Contact:
    return Contact.objects.create(email=email, email_key=email.lower(), status=status)


def status_of(person: Contact) -> str:
    person.refresh_from_db()
    return person.status


def test_an_address_and_its_contact_are_suppressed_together(acme: Tenant) -> None:
    ana = contact("Ana@example.com")
    assert suppress(addresses=["ana@EXAMPLE.com"], reason="hard_bounce", origin="message 7", note="550 5.1.1") == 1
    entry = Suppression.objects.get()
    assert (entry.email_key, entry.reason, entry.origin, entry.note) == (
        "ana@example.com",
        "hard_bounce",
        "message 7",
        "550 5.1.1",
    )
    assert status_of(ana) == "bounced"


def test_an_address_without_a_contact_can_be_suppressed(acme: Tenant) -> None:
    assert suppress(addresses=["nobody@example.com", "nobody@Example.com"], reason="manual", origin="by hand") == 1
    assert Suppression.objects.get().email == "nobody@example.com"


def test_contacts_are_suppressed_by_their_ids(acme: Tenant) -> None:
    people = [contact(f"p{n}@example.com") for n in range(5)]
    assert suppress(contact_ids=[p.pk for p in people] + [10**9], reason="unsubscribed", origin="page") == 5
    assert {status_of(p) for p in people} == {"unsubscribed"}


def test_suppressing_twice_adds_nothing(acme: Tenant) -> None:
    ana = contact("ana@example.com")
    suppress(contact_ids=[ana.pk], reason="complaint", origin="a")
    assert suppress(contact_ids=[ana.pk], reason="complaint", origin="b") == 0
    assert Suppression.objects.get().origin == "a"


@pytest.mark.parametrize(
    ("before", "reason", "after"),
    [
        ("active", "unsubscribed", "unsubscribed"),
        ("unconfirmed", "unsubscribed", "unsubscribed"),
        ("active", "manual", "suppressed"),
        ("active", "hard_bounce", "bounced"),
        ("active", "complaint", "complained"),
        ("unsubscribed", "manual", "suppressed"),
        ("unsubscribed", "hard_bounce", "bounced"),
        ("bounced", "complaint", "complained"),
        ("suppressed", "unsubscribed", "suppressed"),
        ("bounced", "unsubscribed", "bounced"),
        ("bounced", "manual", "bounced"),
        ("complained", "hard_bounce", "complained"),
        ("complained", "unsubscribed", "complained"),
    ],
)
def test_a_status_never_becomes_weaker(acme: Tenant, before: str, reason: str, after: str) -> None:
    ana = contact("ana@example.com", before)
    suppress(contact_ids=[ana.pk], reason=reason, origin="test")
    assert status_of(ana) == after
    assert Suppression.objects.filter(reason=reason).exists()


def test_lifting_a_reason_leaves_the_next_strongest(acme: Tenant) -> None:
    ana = contact("ana@example.com")
    suppress(addresses=["ana@example.com"], reason="unsubscribed", origin="page")
    suppress(addresses=["ana@example.com"], reason="hard_bounce", origin="message 1")
    assert unsuppress(addresses=["ana@example.com"], reasons=["hard_bounce"]) == 1
    assert status_of(ana) == "unsubscribed"
    assert unsuppress(contact_ids=[ana.pk]) == 1
    assert status_of(ana) == "active"
    assert not Suppression.objects.exists()


def test_lifting_does_not_confirm_a_contact_that_was_never_suppressed(acme: Tenant) -> None:
    ana = contact("ana@example.com", ContactStatus.UNCONFIRMED)
    assert unsuppress(addresses=["ana@example.com"]) == 0
    assert status_of(ana) == "unconfirmed"


def test_lifting_a_weaker_reason_leaves_the_status(acme: Tenant) -> None:
    ana = contact("ana@example.com")
    suppress(contact_ids=[ana.pk], reason="unsubscribed", origin="page")
    suppress(contact_ids=[ana.pk], reason="complaint", origin="loop")
    unsuppress(contact_ids=[ana.pk], reasons=["unsubscribed"])
    assert status_of(ana) == "complained"


def test_an_unknown_reason_or_a_bad_address_changes_nothing(acme: Tenant) -> None:
    ana = contact("ana@example.com")
    with pytest.raises(InvalidInput):
        suppress(contact_ids=[ana.pk], reason="dislike", origin="test")
    with pytest.raises(InvalidAddress):
        suppress(contact_ids=[ana.pk], addresses=["not an address"], reason="manual", origin="test")
    assert status_of(ana) == "active"
    assert not Suppression.objects.exists()


def test_another_tenants_contact_of_the_same_address_is_left_alone(acme: Tenant, globex: Tenant) -> None:
    with tenant_scope(globex):
        theirs = contact("ana@example.com")
    contact("ana@example.com")
    suppress(addresses=["ana@example.com"], reason="complaint", origin="test")
    with tenant_scope(globex):
        assert status_of(theirs) == "active"
        assert not Suppression.objects.exists()


def test_without_a_tenant_it_refuses(db: None) -> None:
    with pytest.raises(NoTenant):
        suppress(addresses=["ana@example.com"], reason="manual", origin="test")


def test_a_plain_connection_without_a_search_path_can_suppress(live_tenant: Tenant) -> None:
    ana = contact("ana@example.com")
    with connect(application="test") as plain, plain.cursor() as cursor:
        schema = live_tenant.schema_name
        assert (
            suppress_contacts(cursor, schema=schema, contact_ids=[ana.pk], reason="hard_bounce", origin="message 1")
            == 1
        )
    assert status_of(ana) == "bounced"


def test_many_at_once_in_opposite_orders_do_not_deadlock(live_tenant: Tenant) -> None:
    people = [contact(f"p{n}@example.com").pk for n in range(300)]
    schema, failures = live_tenant.schema_name, []

    def work(ids: list[int], reason: str) -> None:
        try:
            with connect(application="test") as plain:
                for _ in range(15):
                    suppress_contacts(plain.cursor(), schema=schema, contact_ids=ids, reason=reason, origin="race")
        except psycopg.Error as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(ids, reason))
        for ids in (people, people[::-1])
        for reason in ("unsubscribed", "hard_bounce")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(Contact.objects.values_list("status", flat=True)) == {"bounced"}
    assert Suppression.objects.count() == 600
