import random

import pytest
from django.db import connection

from common.errors import InvalidInput
from contacts.models import Contact, ContactAttribute, Suppression, Tag
from contacts.targeting import (
    AttributeIs,
    Audience,
    ContactCounts,
    Operator,
    audience_query,
    contact_counts,
    count_audience,
    count_by_language,
    held_query,
    hold_audience,
    language_counts,
    refresh_facets,
    sample_audience,
    status_counts,
    tag_counts,
)

STATUSES = ["active", "active", "active", "unconfirmed", "unsubscribed", "bounced"]
LANGUAGES = ["fr", "fr-ca", "FR-BE", "en", "", "fro"]


@pytest.fixture
def tags(acme):
    return {slug: Tag.objects.create(slug=slug, name=slug).pk for slug in ("vip", "news", "old", "paris")}


@pytest.fixture
def crowd(tags):
    """Four hundred contacts over several blocks of ids, and what a plain reading of them says."""
    chance = random.Random(7)
    ContactAttribute.objects.create(key="plan", label="Plan")
    ContactAttribute.objects.create(key="score", label="Score", type="number")
    ContactAttribute.objects.create(key="code", label="Code")
    ContactAttribute.objects.create(key="amount", label="Amount", type="number")
    people = []
    for number in range(400):
        attributes = {"code": f"unique {number}"}
        if chance.random() < 0.7:
            attributes["plan"] = chance.choice(["free", "pro", "Pro plus", None])
        if chance.random() < 0.7:
            attributes["score"] = chance.randrange(10)
        if chance.random() < 0.9:
            # Not all of its type: whatever wrote them, a count must be right.
            odd = chance.choice([str(number), number % 2 == 0, [], [number], {"a": 1}])
            attributes["amount"] = odd if chance.random() < 0.1 else round(chance.random() * 1000, 3)
        people.append(
            Contact(
                # Far from what the sequence gives, however many tests drew from it before this one.
                id=100_000_000 + number * 11,
                email=f"p{number}@example.com",
                email_key=f"p{number}@example.com",
                status=chance.choice(STATUSES),
                language=chance.choice(LANGUAGES),
                attributes=attributes,
                tags=sorted(tag for tag in tags.values() if chance.random() < 0.4),
            )
        )
    Contact.objects.bulk_create(people)
    for person in chance.sample(people, 40):
        Suppression.objects.create(email=person.email, email_key=person.email_key, reason="manual")
    return people


def frozen(audience):
    return run(audience_query(audience))


def run(query_and_parameters):
    query, parameters = query_and_parameters
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [row[0] for row in cursor.fetchall()]


def wanted(audience, tags):
    """The audience by a plain loop over all contacts."""
    suppressed = set(Suppression.objects.values_list("email_key", flat=True))
    return [
        person.pk
        for person in Contact.objects.order_by("id")
        if person.status == "active"
        and person.email_key not in suppressed
        and all(tags[slug] in person.tags for slug in audience.tags_all)
        and (not audience.tags_any or any(tags[slug] in person.tags for slug in audience.tags_any))
        and not any(tags[slug] in person.tags for slug in audience.exclude_tags)
        and (not audience.language or (person.language.lower() + "-").startswith(audience.language + "-"))
        and all(met(condition, person.attributes.get(condition.key)) for condition in audience.attributes)
    ]


def met(condition, value):
    match condition.op:
        case Operator.IS:
            return value == condition.value
        case Operator.IS_NOT:
            return value != condition.value
        case Operator.GREATER:
            return type_of(value) == type_of(condition.value) and value > condition.value
        case Operator.LESS_OR_EQUAL:
            return type_of(value) == type_of(condition.value) and value <= condition.value
        case Operator.CONTAINS:
            return value is not None and condition.value.lower() in value.lower()
        case Operator.IS_SET:
            return value is not None
        case Operator.IS_NOT_SET:
            return value is None


def type_of(value):
    return float if type(value) is int else type(value)


AUDIENCES = [
    Audience(),
    Audience(tags_all=("vip",)),
    Audience(tags_all=("vip", "news"), tags_any=("old", "paris")),
    Audience(tags_any=("vip", "paris"), exclude_tags=("old",)),
    Audience(exclude_tags=("old", "news")),
    Audience(language="fr"),
    Audience(language="fr-ca", tags_all=("vip",)),
    Audience(attributes=(AttributeIs("plan", Operator.IS, "pro"),)),
    Audience(attributes=(AttributeIs("plan", Operator.IS_NOT, "pro"),)),
    Audience(attributes=(AttributeIs("plan", Operator.CONTAINS, "PRO"),)),
    Audience(attributes=(AttributeIs("plan", Operator.IS_SET),)),
    Audience(attributes=(AttributeIs("plan", Operator.IS_NOT_SET),)),
    Audience(tags_all=("vip",), attributes=(AttributeIs("score", Operator.GREATER, 4),)),
    Audience(
        tags_any=("vip", "old"),
        exclude_tags=("paris",),
        attributes=(AttributeIs("score", Operator.LESS_OR_EQUAL, 7), AttributeIs("plan", Operator.IS_NOT, "free")),
    ),
    Audience(attributes=(AttributeIs("code", Operator.IS, "unique 17"),)),
    Audience(attributes=(AttributeIs("code", Operator.IS_NOT, "unique 17"),)),
    Audience(tags_all=("vip",), attributes=(AttributeIs("code", Operator.GREATER, "unique 2"),)),
    Audience(attributes=(AttributeIs("code", Operator.CONTAINS, "UNIQUE 1"), AttributeIs("amount", Operator.IS_SET))),
    Audience(attributes=(AttributeIs("amount", Operator.IS_NOT_SET),)),
    Audience(attributes=(AttributeIs("amount", Operator.GREATER, 500),)),
    Audience(attributes=(AttributeIs("amount", Operator.GREATER, "2"),)),
    Audience(attributes=(AttributeIs("amount", Operator.LESS_OR_EQUAL, True),)),
    Audience(
        exclude_tags=("old",),
        language="fr",
        attributes=(
            AttributeIs("amount", Operator.LESS_OR_EQUAL, 700.5),
            AttributeIs("amount", Operator.GREATER, 99),
            AttributeIs("code", Operator.IS_NOT, "unique 40"),
            AttributeIs("plan", Operator.IS_NOT, "free"),
        ),
    ),
]


@pytest.mark.parametrize("audience", AUDIENCES, ids=str)
def test_count_and_frozen_contacts_agree_with_a_plain_reading(audience, crowd, tags):
    expected = wanted(audience, tags)
    assert frozen(audience) == expected
    assert count_audience(audience) == len(expected), "before the facets were built"
    assert refresh_facets()
    assert count_audience(audience) == len(expected), "from the facets"
    assert sum(count_by_language(audience).values()) == len(expected)


def test_a_count_is_exact_after_every_kind_of_change(crowd, tags):
    chance = random.Random(3)
    refresh_facets()
    for step in range(36):
        person = chance.choice(list(Contact.objects.all()))
        match step % 6:
            case 0:
                Contact.objects.filter(pk=person.pk).update(status=chance.choice(STATUSES))
            case 1:
                Contact.objects.filter(pk=person.pk).update(tags=[tags["vip"]], language="fr")
            case 2:
                person.delete()
            case 3:
                Suppression.objects.get_or_create(email=person.email, email_key=person.email_key, reason="complaint")
            case 4:
                Suppression.objects.filter(email_key=chance.choice(crowd).email_key).delete()
            case 5:
                Contact.objects.create(
                    email=f"n{step}@example.com",
                    email_key=f"n{step}@example.com",
                    tags=[tags["news"]],
                    attributes={"plan": "pro", "score": 5},
                )
        if step % 11 == 0:
            refresh_facets()
        for audience in (AUDIENCES[1], AUDIENCES[3], AUDIENCES[5], AUDIENCES[7], AUDIENCES[12]):
            assert count_audience(audience) == len(wanted(audience, tags)), (step, audience)


def test_a_suppressed_address_is_out_although_its_contact_is_active_and_came_later(acme):
    Suppression.objects.create(email="late@example.com", email_key="late@example.com", reason="unsubscribed")
    refresh_facets()
    Contact.objects.create(email="late@example.com", email_key="late@example.com")
    assert count_audience(Audience()) == 0
    refresh_facets()
    assert count_audience(Audience()) == 0
    assert frozen(Audience()) == []


def test_emptied_tables_are_counted_right(crowd):
    refresh_facets()
    with connection.cursor() as cursor:
        # What Django checks at the end of a transaction, checked now: PostgreSQL truncates no table that waits for it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE contacts_suppression")
    assert count_audience(Audience()) == Contact.objects.filter(status="active").count()
    refresh_facets()
    assert count_audience(Audience()) == Contact.objects.filter(status="active").count()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE contacts_contact CASCADE")
    assert count_audience(Audience()) == 0
    refresh_facets()
    assert (count_audience(Audience()), tag_counts()) == (0, {})


def test_many_changes_in_one_statement_are_counted_right(crowd, tags):
    refresh_facets()
    Contact.objects.filter(pk__in=[person.pk for person in crowd[:300]]).update(tags=[tags["vip"]], language="fr")
    for audience in AUDIENCES[:7]:
        assert count_audience(audience) == len(wanted(audience, tags))
        assert sum(count_by_language(audience).values()) == len(wanted(audience, tags))
    assert tag_counts()[tags["vip"]] == Contact.objects.filter(tags__contains=[tags["vip"]]).count()


def test_only_what_changed_is_noted_as_stale(crowd):
    refresh_facets()
    Contact.objects.filter(pk=crowd[0].pk).update(first_name="Ana")
    assert stale() == 0
    Contact.objects.filter(pk=crowd[0].pk).update(tags=[])
    assert stale() == 1


def stale():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_stale")
        return cursor.fetchone()[0]


def test_an_attribute_with_very_many_values_has_them_in_buckets(tags):
    ContactAttribute.objects.create(key="code", label="Code")
    Contact.objects.bulk_create(
        Contact(email=f"c{n}@example.com", email_key=f"c{n}@example.com", attributes={"code": f"c{n}"})
        for n in range(300)
    )
    refresh_facets()
    assert facets("b:code") <= 64
    assert facets("a:code") == 0
    assert count_audience(Audience(attributes=(AttributeIs("code", Operator.IS, "c5"),))) == 1
    assert count_audience(Audience(attributes=(AttributeIs("code", Operator.IS_NOT, "c5"),))) == 299
    assert count_audience(Audience(attributes=(AttributeIs("code", Operator.GREATER, "c5"),))) == 54


def test_an_attribute_with_very_long_values_is_counted_without_facets(tags):
    ContactAttribute.objects.create(key="note", label="Note")
    Contact.objects.bulk_create(
        Contact(email=f"c{n}@example.com", email_key=f"c{n}@example.com", attributes={"note": chr(97 + n) * 5000})
        for n in range(3)
    )
    refresh_facets()
    assert facets("a:note") == facets("b:note") == facets("k:note") == 0
    assert count_audience(Audience(attributes=(AttributeIs("note", Operator.IS, "b" * 5000),))) == 1


def facets(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_facet WHERE facet = %s", [name])
        return cursor.fetchone()[0]


def test_fields_of_every_contact_can_be_conditions(acme):
    Contact.objects.create(email="a@example.com", email_key="a@example.com", country="FR")
    Contact.objects.create(email="b@example.com", email_key="b@example.com")
    assert count_audience(Audience(attributes=(AttributeIs("country", Operator.IS, "FR"),))) == 1
    assert count_audience(Audience(attributes=(AttributeIs("country", Operator.IS_NOT_SET),))) == 1


def test_an_unknown_tag_is_refused_with_the_ones_that_look_like_it(tags):
    with pytest.raises(InvalidInput) as caught:
        count_audience(Audience(tags_all=("vip2",)))
    assert str(caught.value) == "There is no tag 'vip2'. Did you mean 'vip'?"
    assert caught.value.field == "tags_all"


def test_an_unknown_attribute_is_refused_with_the_ones_that_look_like_it(acme):
    ContactAttribute.objects.create(key="company", label="Company")
    with pytest.raises(InvalidInput, match=r"Contacts have no attribute 'compny'\. Did you mean 'company'"):
        audience_query(Audience(attributes=(AttributeIs("compny", Operator.IS, "x"),)))


def test_a_condition_without_a_value_is_refused(acme):
    with pytest.raises(InvalidInput, match="has no value"):
        count_audience(Audience(attributes=(AttributeIs("country", Operator.IS),)))


def test_a_held_audience_is_split_by_language_without_losing_or_doubling_anybody(crowd, tags):
    everybody = wanted(Audience(), tags)
    languages = hold_audience(Audience())
    assert sum(languages.values()) == len(everybody)
    Contact.objects.filter(language="en").update(language="fr")
    french = run(held_query(["fr", "fr-ca", "fr-be"]))
    others = run(held_query([word for word in languages if not word.startswith("fr-") and word != "fr"]))
    assert sorted(french + others) == everybody


def test_a_sample_shows_the_newest_contacts_of_the_audience(crowd, tags):
    expected = wanted(AUDIENCES[1], tags)
    assert [person.pk for person in sample_audience(AUDIENCES[1], 5)] == expected[:-6:-1]


def test_words_are_counted_over_all_contacts_stale_or_not(crowd, tags):
    for _ in range(2):
        assert tag_counts() == {tag: Contact.objects.filter(tags__contains=[tag]).count() for tag in tags.values()}
        assert sum(status_counts().values()) == 400
        assert contact_counts() == ContactCounts(
            count_audience(Audience()), status_counts(), language_counts(), tag_counts()
        )
        assert status_counts()["active"] == Contact.objects.filter(status="active").count()
        assert language_counts()["fr-be"] == Contact.objects.filter(language="FR-BE").count()
        refresh_facets()


def test_another_tenants_contacts_are_not_counted(crowd, globex):
    connection.set_tenant(globex)
    assert count_audience(Audience()) == 0
    assert refresh_facets()
    assert tag_counts() == {}
