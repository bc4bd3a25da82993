"""The lists of the audience, and one contact."""

from django.test import Client

from contacts.models import Contact, ContactAttribute, Suppression, Tag
from contacts.services.suppressing import suppress
from contacts.services.tagging import tag_contacts
from tests.desk.conftest import person, queries, tag


def test_a_contact_shows_tags_by_name_and_attributes_by_label(owner: Client) -> None:
    vip = tag("Very important")
    ContactAttribute.objects.create(key="shoe_size", label="Shoe size", type="number")
    ana = person("ana@example.com", vip.slug, first_name="Ana")
    Contact.objects.filter(pk=ana.pk).update(attributes={"shoe_size": 39, "likes": ["roses", "tea"], "member": True})
    suppress(contact_ids=[ana.pk], reason="complaint", origin="feedback loop", note="5 May")
    page = owner.get(f"/admin/contacts/contact/{ana.pk}/change/").content.decode()
    for words in (
        "Very important",
        "Shoe size",
        "39",
        "roses, tea",
        "yes",
        "feedback loop",
        "5 May",
        "marked a mail as spam",
    ):
        assert words in page


def test_contacts_are_found_by_the_beginning_of_address_or_name(owner: Client) -> None:
    person("ana@example.com", first_name="Ana", last_name="Lima")
    person("ben@example.com", first_name="Ben", last_name="Anders")
    person("liz@example.com", first_name="Liz")
    found = owner.get("/admin/contacts/contact/?q=AN").content.decode()
    assert "ana@example.com" in found
    assert "ben@example.com" in found
    assert "liz@example.com" not in found
    exact = owner.get("/admin/contacts/contact/?q=ana@ex").content.decode()
    assert "ben@example.com" not in exact


def test_contacts_are_filtered_by_status_tag_and_language(owner: Client) -> None:
    vip = tag("VIP")
    person("ana@example.com", vip.slug, language="fr")
    person("ben@example.com")
    for query in ("tag=vip", "language=fr", "status=active&tag=vip"):
        page = owner.get(f"/admin/contacts/contact/?{query}").content.decode()
        assert "ana@example.com" in page
        assert "ben@example.com" not in page
    assert "Nothing matches" in owner.get("/admin/contacts/contact/?tag=unknown").content.decode()


def test_the_list_takes_as_many_queries_for_many_contacts_as_for_few(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    with inside():
        slugs = [tag(name).slug for name in ("a", "b", "c")]
        person("p0@example.com", *slugs)
    few = queries(owner, "/admin/contacts/contact/")
    with inside():
        for number in range(1, 30):
            person(f"p{number}@example.com", *slugs[: number % 4])
    assert queries(owner, "/admin/contacts/contact/") == few <= 14


def test_a_contact_is_made_and_changed_and_refusals_stand_at_their_field(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    with inside():
        tag("VIP")
    page = owner.post("/admin/contacts/contact/add/", {"email": "no address", "slugs": []})
    assert "There is no @ in it." in page.content.decode()
    assert owner.post("/admin/contacts/contact/add/", {"email": "Ana@Example.com", "slugs": ["vip"]}).status_code == 302
    again = owner.post("/admin/contacts/contact/add/", {"email": "ana@example.com"})
    assert "already" in again.content.decode()
    with inside():
        ana = Contact.objects.get()
        assert ana.tags == [Tag.objects.get().pk]
    wrong = owner.post(f"/admin/contacts/contact/{ana.pk}/change/", {"timezone": "Mars/Base"})
    assert "no time zone" in wrong.content.decode()
    owner.post(f"/admin/contacts/contact/{ana.pk}/change/", {"first_name": "Ana", "language": "fr_CA"})
    with inside():
        ana.refresh_from_db()
        assert (ana.first_name, ana.language, ana.tags) == ("Ana", "fr-ca", [])


def test_what_a_contact_is_called_cannot_bring_markup_along(owner: Client) -> None:
    ana = person("ana@example.com", first_name="<script>alert(1)</script>")
    for url in ("/admin/contacts/contact/", f"/admin/contacts/contact/{ana.pk}/change/"):
        page = owner.get(url).content.decode()
        assert "<script>alert(1)" not in page


def test_picked_contacts_get_a_new_tag(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    people = [person(f"p{n}@example.com").pk for n in range(3)]
    page = owner.post("/admin/contacts/contact/", {"action": "add_tag", "_selected_action": people[:2]})
    assert "should 2 contacts get" in page.content.decode()
    owner.post(
        "/admin/contacts/contact/tagging/", {"ids": f"{people[0]},{people[1]}", "adding": "1", "new_tag": "Fair 2026"}
    )
    with inside():
        made = Tag.objects.get(slug="fair-2026")
        assert Contact.objects.filter(tags__contains=[made.pk]).count() == 2
    owner.post("/admin/contacts/contact/tagging/", {"ids": str(people[0]), "adding": "", "tag": made.pk})
    with inside():
        assert Contact.objects.filter(tags__contains=[made.pk]).count() == 1


def test_tags_are_listed_with_their_contacts(owner: Client) -> None:
    vip = tag("VIP")
    tag_contacts(tag=vip, contact_ids=[person(f"p{n}@example.com").pk for n in range(4)])
    assert ">4</a>" in owner.get("/admin/contacts/tag/").content.decode()


def test_a_deleted_tag_leaves_its_contacts(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    vip = tag("VIP")
    person("ana@example.com", vip.slug)
    owner.post(f"/admin/contacts/tag/{vip.pk}/delete/", {"post": "yes"})
    with inside():
        assert not Tag.objects.exists()
        assert Contact.objects.get().tags == []


def test_addresses_are_put_on_the_suppression_list_and_taken_off_it(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    ana = person("ana@example.com")
    wrong = owner.post(
        "/admin/contacts/suppression/add/", {"addresses": "ana@example.com\nnonsense", "reason": "manual"}
    )
    assert "Line 2" in wrong.content.decode()
    form = {"addresses": "ana@example.com\nnew@example.com\n", "reason": "manual", "note": "asked by phone"}
    assert owner.post("/admin/contacts/suppression/add/", form).status_code == 302
    with inside():
        assert Suppression.objects.count() == 2
        ana.refresh_from_db()
        assert ana.status == "suppressed"
        entry = Suppression.objects.get(email="ana@example.com")
    asked = owner.get(f"/admin/contacts/suppression/{entry.pk}/lift/").content.decode()
    assert "be mailed again?" in asked
    owner.post(f"/admin/contacts/suppression/{entry.pk}/lift/")
    with inside():
        ana.refresh_from_db()
        assert ana.status == "active"
    assert "new@example.com" in owner.get("/admin/contacts/suppression/?q=new").content.decode()


def test_a_contact_is_stopped_and_erased_only_after_a_question(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    ana = person("ana@example.com")
    assert owner.get(f"/admin/contacts/contact/{ana.pk}/suppress/").status_code == 200
    owner.post(f"/admin/contacts/contact/{ana.pk}/suppress/")
    with inside():
        ana.refresh_from_db()
        assert ana.status == "suppressed"
    assert "Erase ana@example.com?" in owner.get(f"/admin/campaigns/campaign/contact/{ana.pk}/erase/").content.decode()
    owner.post(f"/admin/campaigns/campaign/contact/{ana.pk}/erase/")
    with inside():
        assert not Contact.objects.exists()
        assert Suppression.objects.exists()


def test_a_field_is_made_once_and_its_key_stays(owner: Client, inside) -> None:  # type: ignore[no-untyped-def]
    owner.post("/admin/contacts/contactattribute/add/", {"label": "Shoe size", "type": "number"})
    assert "{{ shoe_size }}" in owner.get("/admin/contacts/contactattribute/").content.decode()
    taken = owner.post("/admin/contacts/contactattribute/add/", {"label": "E-mail", "key": "email", "type": "text"})
    assert "cannot be a key" in taken.content.decode()
    with inside():
        made = ContactAttribute.objects.get()
    owner.post(f"/admin/contacts/contactattribute/{made.pk}/change/", {"label": "Size", "key": "other", "type": "text"})
    with inside():
        made.refresh_from_db()
        assert (made.label, made.key, made.type) == ("Size", "shoe_size", "number")
