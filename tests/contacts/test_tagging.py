import pytest
from django.db import connection

from common.errors import Conflict, InvalidInput
from contacts.models import Contact, Tag
from contacts.services.tagging import create_tag, delete_tag, tag_contacts, untag_contacts, update_tag
from contacts.targeting import Audience, count_audience, refresh_facets

pytestmark = pytest.mark.usefixtures("acme")


def people(count, tags=()):
    return [
        Contact.objects.create(email=f"p{n}@example.com", email_key=f"p{n}@example.com", tags=sorted(tags)).pk
        for n in range(count)
    ]


def test_a_tag_gets_its_slug_from_its_name():
    assert create_tag(name="  Fair   Köln ").slug == "fair-koln"
    assert create_tag(name="Real estate", slug="real_estate").slug == "real_estate"


@pytest.mark.parametrize(("name", "slug"), [("", "x"), ("x", "a b"), ("x", "-x"), ("x" * 121, "x"), ("x", "a/b")])
def test_a_tag_without_a_sound_name_and_slug_is_refused(name, slug):
    with pytest.raises(InvalidInput):
        create_tag(name=name, slug=slug)


def test_a_slug_is_there_once():
    create_tag(name="VIP")
    with pytest.raises(Conflict, match="There is a tag 'vip' already"):
        create_tag(name="Vip")


def test_a_tag_is_renamed_and_keeps_its_slug():
    tag = update_tag(tag=create_tag(name="VIP"), name="Very important", description="Look after them")
    assert (tag.slug, Tag.objects.get().name, tag.description) == ("vip", "Very important", "Look after them")


def test_tags_are_put_on_contacts_once_and_kept_in_order():
    first, second, third = (create_tag(name=name) for name in ("a", "b", "c"))
    ids = people(3, tags=[first.pk, third.pk])
    assert tag_contacts(tag=second, contact_ids=ids[:2]) == 2
    assert tag_contacts(tag=second, contact_ids=ids) == 1
    assert Contact.objects.get(pk=ids[0]).tags == [first.pk, second.pk, third.pk]
    assert untag_contacts(tag=first, contact_ids=ids[:1]) == 1
    assert Contact.objects.get(pk=ids[0]).tags == [second.pk, third.pk]
    assert count_audience(Audience(tags_all=("b",), exclude_tags=("a",))) == 1


def test_a_deleted_tag_is_taken_off_everybody():
    tag, other = create_tag(name="a"), create_tag(name="b")
    people(4, tags=[tag.pk, other.pk])
    refresh_facets()
    assert delete_tag(tag=tag) == 4
    assert Contact.objects.filter(tags=[other.pk]).count() == 4
    assert list(Tag.objects.values_list("slug", flat=True)) == ["b"]
    assert count_audience(Audience(tags_all=("b",))) == 4
    with pytest.raises(InvalidInput, match="There is no tag 'a'"):
        count_audience(Audience(tags_all=("a",)))


def test_another_tenants_contacts_are_not_tagged(globex):
    tag = create_tag(name="a")
    ids = people(1)
    connection.set_tenant(globex)
    assert tag_contacts(tag=tag, contact_ids=ids) == 0
