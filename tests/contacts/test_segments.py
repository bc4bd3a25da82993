"""Trees that cannot be read, and the services."""

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.behaviour import campaign_behaviour
from common.database import connect
from common.errors import Conflict, InvalidInput, NotFound, Unavailable
from contacts.models import Contact, ContactAttribute, DataSource, Segment, Suppression, Tag
from contacts.segments import parse_tree, resolve_tree
from contacts.services import segments
from contacts.services.segments import (
    contacts_of_segment,
    count_segment,
    create_segment,
    delete_segment,
    get_segment,
    try_tree,
    update_segment,
)
from tests.campaigns.cast import add_campaign, add_contacts, add_tag

VIP = {"tag": "vip"}


def nested(depth):
    return VIP if not depth else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("tree", "place", "message"),
    [
        (None, None, "This must be an object."),
        ([VIP], None, "This must be an object."),
        ({}, None, "This is no condition."),
        ({"all": VIP}, "all", "This must be a list of conditions."),
        ({"any": []}, "any", "There is no condition in it."),
        ({"all": [{"all": []}]}, "all.0.all", "There is no condition in it."),
        ({"all": [VIP, {"all": [3]}]}, "all.1.all.0", "This must be an object."),
        ({"all": [VIP], "any": [VIP]}, "any", "A condition is about one thing, not about all and any."),
        ({"all": [VIP, {"tag": "vip", "field": "status"}]}, "all.1", "A condition is about one thing, not about tag and field."),
        ({"not": {"tags": "vip"}}, "not", "This is no condition."),
        ({"tag": 5}, "tag", "This must be text."),
        ({"tag": "a\0"}, "tag", "This must be text of up to 1000 characters that can be stored."),
        ({"tag": "vip", "is": "x"}, None, "'is' means nothing here."),
        ({"all": [{"attribute": "city"}]}, "all.0.attribute", "Nothing is compared."),
        ({"attribute": "city", "is": "x", "in": ["x"]}, "in", "A condition compares once, not with is and in."),
        ({"attribute": "city", "iss": "x"}, None, "'iss' means nothing here."),
        ({"attribute": "city", "is": None}, "is", "This must be text, a number, or true or false."),
        ({"attribute": "city", "in": []}, "in", "There can be 1 to 100 values."),
        ({"attribute": "city", "in": ["x", {}]}, "in.1", "This must be text, a number, or true or false."),
        ({"attribute": "score", "is": float("nan")}, "is", "This must be text, a number, or true or false."),
        ({"field": "contry", "is": "FR"}, "field", "Contacts have no field 'contry'."),
        ({"any": [{"opened": 5}]}, "any.0.opened", "This must be an object."),
        ({"opened": {"campaign_id": "5"}}, "opened.campaign_id", "This must be a whole number from 1 to 9223372036854775807."),
        ({"opened": {"campaign_id": 2**63}}, "opened.campaign_id", "This must be a whole number from 1 to 9223372036854775807."),
        ({"opened": {"within_days": 0}}, "opened.within_days", "This must be a whole number from 1 to 36500."),
        ({"opened": {"link": "https://x"}}, "opened.link", "Only a click is on a link."),
        ({"opened": {"campaign": 5}}, "opened", "'campaign' means nothing here."),
        (nested(11), "not" + ".not" * 9, "Conditions can be nested 10 deep."),
        ({"any": [VIP] * 101}, "any.100.tag", "There can be 100 conditions."),
    ],
)  # fmt: skip
def test_a_tree_that_cannot_be_read_is_refused_at_its_place(tree, place, message):
    with pytest.raises(InvalidInput) as caught:
        parse_tree(tree)
    assert (caught.value.field, caught.value.message) == (place, message)


def test_the_deepest_and_the_broadest_tree_are_read():
    parse_tree(nested(10))
    parse_tree({"any": [VIP] * 100})
    parse_tree({"all": []})


@pytest.fixture
def words(acme):
    Tag.objects.create(slug="vip", name="VIP")
    DataSource.objects.create(name="Fair")
    for key, kind in {"city": "text", "score": "number", "since": "date", "vegan": "boolean", "likes": "json"}.items():
        ContactAttribute.objects.create(key=key, label=key, type=kind)


@pytest.mark.parametrize(
    ("leaf", "place", "message"),
    [
        ({"tag": "vipp"}, "tag", "There is no tag 'vipp'."),
        ({"attribute": "citty", "is": "x"}, "attribute", "Contacts have no attribute 'citty'."),
        ({"attribute": "country", "is": "x"}, "attribute", "Contacts have no attribute 'country'."),
        ({"attribute": "city", "above": 5}, "above", "Text cannot be compared with 'above'."),
        ({"attribute": "city", "is": 5}, "is", "This must be text."),
        ({"attribute": "city", "in": "x"}, "in", "This must be a list of texts."),
        ({"attribute": "city", "known": False}, "known", "This is true, or left out."),
        ({"attribute": "score", "is": True}, "is", "This must be a number."),
        ({"attribute": "score", "between": [1]}, "between", "This must be a list of 2 numbers."),
        ({"attribute": "score", "contains": "1"}, "contains", "A number cannot be compared with 'contains'."),
        ({"attribute": "since", "is": "yesterday"}, "is", "This must be a date like 2026-11-21."),
        ({"attribute": "since", "before": "9999-12-31"}, "before", "This must be a date like 2026-11-21."),
        ({"attribute": "since", "between": ["2026-01-01", "2026-02-30"]}, "between.1", "This must be a date like 2026-11-21."),
        ({"attribute": "since", "within_days": -1}, "within_days", "This must be a whole number from 0 to 36500."),
        ({"attribute": "vegan", "is": "yes"}, "is", "This must be true or false."),
        ({"attribute": "likes", "is": "tea"}, "is", "A list or object cannot be compared with 'is'."),
        ({"field": "status", "is": "dead"}, "is", "There is no status 'dead'."),
        ({"field": "language", "in": ["fr", "!"]}, "in", "'!' is no language."),
        ({"field": "source", "is": "fair"}, "is", "There is no data source 'fair'."),
        ({"field": "email_domain", "is": "a@b"}, "is", "'a@b' is no domain of addresses."),
        ({"field": "created_at", "is": "2026-01-01"}, "is", "A time cannot be compared with 'is'."),
        ({"field": "created_at", "after": "2026-01-01T10:00:00"}, "after",
         "This must be a date, or a time with its zone, as in 2026-03-01T09:00:00Z."),
        ({"clicked": {"campaign_id": 12345}}, "clicked.campaign_id", "There is no campaign 12345."),
    ],
)  # fmt: skip
def test_words_and_values_that_do_not_fit_are_refused_at_their_place(words, leaf, place, message):
    with pytest.raises(InvalidInput) as caught:
        resolve_tree(parse_tree({"all": [VIP, leaf]}), behaviour=campaign_behaviour, now=timezone.now())
    assert (caught.value.field, caught.value.message) == (f"all.1.{place}", message)


def test_what_looks_like_an_unknown_word_is_offered(words):
    with pytest.raises(InvalidInput, match=r"Did you mean 'city'\?"):
        resolve_tree(parse_tree({"attribute": "citty", "is": "x"}), behaviour=campaign_behaviour, now=timezone.now())


def test_a_time_of_a_field_is_exact_to_the_moment(acme):
    [person] = add_contacts(1)
    Contact.objects.update(created_at="2026-03-01T09:00:00Z")
    for condition, found in [
        ({"before": "2026-03-01T10:00:00+01:00"}, 0),
        ({"before": "2026-03-01T09:00:00.000001Z"}, 1),
        ({"after": "2026-03-01T09:00:00Z"}, 0),
        ({"between": ["2026-03-01", "2026-03-01T09:00:00Z"]}, 1),
        ({"between": ["2026-03-01T09:00:01Z", "2026-03-02"]}, 0),
    ]:
        tried = try_tree(tree={"field": "created_at", **condition}, behaviour=campaign_behaviour)
        assert tried.size.matching == found, condition
    assert person.pk


def make(name="Sleepers", tree=VIP, **more):
    return create_segment(name=name, tree=tree, behaviour=campaign_behaviour, **more)


def test_a_segment_is_counted_with_and_without_those_who_may_not_be_mailed(words):
    tag = Tag.objects.get().pk
    people = add_contacts(4, tags=(tag,))
    Suppression.objects.create(email=people[0].email, email_key=people[0].email_key, reason="manual")
    Contact.objects.filter(pk=people[1].pk).update(status="bounced")
    segment = count_segment(segment=make(), behaviour=campaign_behaviour)
    segment.refresh_from_db()
    assert (segment.last_count, segment.last_mailable) == (4, 2)
    assert segment.counted_at is not None


def test_a_changed_tree_is_not_counted_yet_and_a_new_name_changes_nothing(words):
    segment = count_segment(segment=make(), behaviour=campaign_behaviour)
    renamed = update_segment(segment=segment, name=" Big  sleepers ", behaviour=campaign_behaviour)
    assert (renamed.name, renamed.last_count) == ("Big sleepers", 0)
    changed = update_segment(segment=segment, tree={"not": VIP}, behaviour=campaign_behaviour)
    assert (changed.name, changed.tree, changed.last_count) == ("Big sleepers", {"not": VIP}, None)


def test_names_are_taken_once_and_nonsense_is_not_saved(words):
    make()
    with pytest.raises(Conflict, match="There is a segment “Sleepers” already"):
        make()
    with pytest.raises(InvalidInput) as caught:
        make("Others", {"all": [{"tag": "x"}]})
    assert caught.value.field == "tree.all.0.tag"
    with pytest.raises(InvalidInput, match="needs a name"):
        make("  ")
    assert Segment.objects.count() == 1


def test_a_segment_that_a_campaign_uses_is_not_removed(words):
    segment = make()
    campaign = add_campaign(segment=segment)
    with pytest.raises(Conflict) as caught:
        delete_segment(segment=segment)
    assert caught.value.message == "“Sleepers” is used by “Spring”."
    campaign.delete()
    delete_segment(segment=segment)
    with pytest.raises(NotFound):
        get_segment(segment.pk)


def test_a_segment_whose_tag_is_gone_says_so_when_it_is_counted(words):
    segment = make()
    Tag.objects.all().delete()
    with pytest.raises(InvalidInput, match="There is no tag 'vip'") as caught:
        count_segment(segment=segment, behaviour=campaign_behaviour)
    assert caught.value.field == "tree.tag"


def test_contacts_come_in_pages_the_newest_first(words):
    tag = Tag.objects.get().pk
    ids = [person.pk for person in add_contacts(5, tags=(tag,))]
    segment = make()
    first = contacts_of_segment(segment=segment, behaviour=campaign_behaviour, limit=2)
    assert [person.pk for person in first] == [ids[4], ids[3]]
    second = contacts_of_segment(segment=segment, behaviour=campaign_behaviour, limit=9, before=first[-1].pk)
    assert [person.pk for person in second] == [ids[2], ids[1], ids[0]]


def test_what_takes_too_long_is_stopped_and_the_limit_is_lifted_again(words, monkeypatch):
    monkeypatch.setattr(segments, "_TRY_SECONDS", 0.2)
    with connect(application="test") as other, other.transaction():
        other.execute("LOCK TABLE acme.contacts_contact IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="takes more than") as caught:
            try_tree(tree={"field": "first_name", "contains": "x"}, behaviour=campaign_behaviour)
    assert caught.value.temporary
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_limit_is_lifted_after_a_count_too(words):
    try_tree(tree=VIP, behaviour=campaign_behaviour)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_everybody_is_all_of_nothing(acme):
    add_contacts(3, tags=(add_tag("vip"),))
    assert try_tree(tree={"all": []}, behaviour=campaign_behaviour).size.matching == 3
