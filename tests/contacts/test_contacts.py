import pytest

from common.errors import Conflict, InvalidInput
from contacts.models import Contact, ContactAttribute, ContactStatus, Import, ImportReject, Suppression
from contacts.services.contacts import Consent, create_contact, erase_contact, update_contact
from contacts.services.details import ContactDetails
from contacts.services.tagging import create_tag

pytestmark = pytest.mark.usefixtures("acme")


def create(email="Ana@Example.com", **details):
    return create_contact(details=ContactDetails(email=email, **details))


def test_a_contact_is_made_with_everything_that_is_said_about_it():
    tag = create_tag(name="VIP")
    contact = create(
        first_name=" Ana ",
        language="pt_BR",
        timezone="America/Sao_Paulo",
        country="BR",
        tags=("vip",),
        attributes={"company": "Acme", "score": 5, "since": "2026-01-31"},
    )
    contact.refresh_from_db()
    assert (contact.email, contact.email_key) == ("Ana@example.com", "ana@example.com")
    assert (contact.first_name, contact.language, contact.tags) == ("Ana", "pt-br", [tag.pk])
    assert contact.attributes == {"company": "Acme", "score": 5, "since": "2026-01-31"}
    assert contact.status == ContactStatus.ACTIVE
    types = dict(ContactAttribute.objects.values_list("key", "type"))
    assert types == {"company": "text", "score": "number", "since": "text"}


def test_two_spellings_of_one_address_are_one_contact():
    create()
    with pytest.raises(Conflict, match=r"There is a contact ANA@example\.com already"):
        create("ANA@example.COM")
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"email": "nobody"}, None),
        ({"email": None}, "email"),
        ({"language": "french!"}, "language"),
        ({"timezone": "Europe/Parys"}, "timezone"),
        ({"tags": ("nope",)}, "tags"),
        ({"first_name": "a\nb"}, "first_name"),
        ({"attributes": {"two words": 1}}, "attributes"),
        ({"attributes": {"score": float("nan")}}, "attributes"),
    ],
)
def test_what_cannot_be_is_refused(details, field):
    with pytest.raises(InvalidInput) as caught:
        create(**details)
    assert caught.value.field == field
    assert not Contact.objects.exists()


def test_an_attribute_keeps_its_type():
    create(attributes={"score": 5})
    for wrong in ("5", True, [5]):
        with pytest.raises(InvalidInput, match="The attribute 'score' holds number"):
            create("b@example.com", attributes={"score": wrong})


def test_a_suppressed_address_comes_in_with_the_strongest_reason():
    for reason in ("unsubscribed", "complaint", "hard_bounce"):
        Suppression.objects.create(email="ana@example.com", email_key="ana@example.com", reason=reason)
    assert create().status == ContactStatus.COMPLAINED


def test_an_unconfirmed_contact_is_not_active_and_consent_is_kept():
    contact = create_contact(
        details=ContactDetails(email="a@example.com"), confirmed=False, consent=Consent(ip="192.0.2.1", note="form")
    )
    assert contact.status == ContactStatus.UNCONFIRMED
    assert (contact.consent_ip, contact.consent_note) == ("192.0.2.1", "form")
    assert contact.consent_at is not None


def test_a_change_leaves_alone_what_it_says_nothing_about():
    create_tag(name="VIP")
    contact = create(first_name="Ana", tags=("vip",), attributes={"company": "Acme", "score": 5})
    changed = update_contact(
        contact=contact, details=ContactDetails(last_name="Doe", attributes={"score": None, "city": "Rome"})
    )
    assert (changed.first_name, changed.last_name, changed.tags) == ("Ana", "Doe", contact.tags)
    assert changed.attributes == {"company": "Acme", "city": "Rome"}


def test_an_address_cannot_become_that_of_another_contact():
    create("b@example.com")
    contact = create()
    with pytest.raises(Conflict):
        update_contact(contact=contact, details=ContactDetails(email="B@example.com"))
    contact.refresh_from_db()
    assert contact.email == "Ana@example.com"


def test_an_erased_contact_leaves_no_address_behind_but_on_the_suppression_list():
    contact = create()
    Suppression.objects.create(email="ana@example.com", email_key="ana@example.com", reason="unsubscribed")
    run = Import.objects.create(file_name="a.csv", path="/x")
    ImportReject.objects.create(run=run, line=2, reason="twice", cells=["Ana", "ANA@example.com"])
    ImportReject.objects.create(run=run, line=3, reason="twice", cells=["Bob", "bob@example.com"])
    erased = erase_contact(contact=contact)
    assert erased.rejected_rows == 1
    assert not Contact.objects.exists()
    assert ImportReject.objects.get().line == 3
    assert Suppression.objects.count() == 1
