"""Random trees over a few hundred contacts: PostgreSQL finds and counts whom a plain loop finds."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Contact, Suppression, Tag
from contacts.targeting import refresh_facets
from outbound.deeds import build_deeds, messages_with_bits
from outbound.models import Message
from tests.contacts.segment_cast import (
    CITIES,
    COUNTRIES,
    DOMAINS,
    LINKS,
    TAGS,
    Reader,
    do_more,
    ids_of,
    make_crowd,
    size_of,
)

RANDOM = settings(
    max_examples=70, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def crowd(acme):
    return make_crowd()


def leaves(crowd):
    numbers = st.one_of(st.integers(-1, 11), st.sampled_from([2.5, 99, 400.5, 1000]))
    cities = st.sampled_from([*CITIES, "Oslo"])
    days = st.integers(-6, 62).map(lambda n: (crowd.now - timedelta(days=n)).date().isoformat())
    spans = st.tuples(days, days).map(list)
    attribute = {
        "city": {"is": cities, "is_not": cities, "in": st.lists(cities, min_size=1, max_size=3),
                 "contains": st.sampled_from(["PAR", "o", "7"]),
                 "starts_with": st.sampled_from(["par", "LY", "7"])},
        "code": {"is": st.sampled_from(["unique 7", "unique"]), "is_not": st.just("unique 17"), "contains": st.just("UNIQUE 1"),
                 "in": st.just(["unique 3", "unique 4"]), "starts_with": st.just("unique 2")},
        "score": {"is": numbers, "is_not": numbers, "in": st.lists(numbers, min_size=1, max_size=3), "above": numbers, "below": numbers,
                  "between": st.tuples(numbers, numbers).map(list)},
        "amount": {"above": numbers, "below": numbers, "is_not": numbers, "between": st.tuples(numbers, numbers).map(list)},
        "since": {"is": days, "is_not": days, "before": days, "after": days, "between": spans, "within_days": st.integers(0, 62)},
        "vegan": {"is": st.booleans(), "is_not": st.booleans()},
        "likes": {"contains": st.sampled_from(["TEA", "jazz"])},
    }  # fmt: skip
    having = {"known": st.just(True), "unknown": st.just(True)}
    codes, languages = st.sampled_from([*filter(None, COUNTRIES), "DE"]), st.sampled_from(["fr", "fr-ca", "en", "de"])
    domains, statuses = st.sampled_from(DOMAINS), st.sampled_from(["active", "unconfirmed", "bounced"])
    sources = st.sampled_from(["Fair", "Shop"])
    words = {"country": codes, "language": languages, "email_domain": domains, "status": statuses, "source": sources}
    fields = {
        name: {"is": one, "is_not": one, "in": st.lists(one, min_size=1, max_size=2),
               **({} if name in ("status", "email_domain") else having)}
        for name, one in words.items()
    }  # fmt: skip
    fields["email_domain"] |= {"contains": st.just("EXAMPLE.o"), "starts_with": st.just("Mail")}
    fields["first_name"] = {"contains": st.just("N"), "starts_with": st.just("BE"), **having}
    fields["created_at"] = {"before": days, "after": days, "between": spans, "within_days": st.integers(0, 100)}
    return st.one_of(
        st.sampled_from(TAGS).map(lambda slug: {"tag": slug}),
        *(_comparing("attribute", key, {**words, **having}) for key, words in attribute.items()),
        *(_comparing("field", name, words) for name, words in fields.items()),
        *behaviour(crowd),
    )


def behaviour(crowd):
    asked = {
        "campaign_id": st.sampled_from([None, *crowd.campaigns]),
        "within_days": st.none() | st.integers(1, 62),
    }
    deeds = [st.fixed_dictionaries({deed: st.fixed_dictionaries(asked)}) for deed in ("opened", "received", "bounced")]
    on_links = st.fixed_dictionaries({**asked, "link": st.none() | st.sampled_from([*LINKS, "x"])})
    return [*deeds, st.fixed_dictionaries({"clicked": st.fixed_dictionaries(asked) | on_links})]


def _comparing(subject, name, words):
    return st.one_of(*(st.fixed_dictionaries({subject: st.just(name), word: given}) for word, given in words.items()))


def trees(crowd, leaf=leaves):
    return st.recursive(
        leaf(crowd),
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=6,
    )


def deeds(crowd):
    """Mostly what they did, beside a tag."""
    return st.one_of(*behaviour(crowd), st.just({"tag": "vip"}), st.just({"field": "country", "is": "FR"}))


def agree(crowd, leaf=leaves):
    reader = Reader(crowd)

    @RANDOM
    @given(trees(crowd, leaf))
    def check(tree):
        assert ids_of(tree, crowd) == reader.ids(tree)
        assert size_of(tree, crowd) == reader.size(tree)

    check()


def test_random_trees_before_facets_are_built(crowd):
    agree(crowd)


def test_random_trees_from_facets_some_of_which_are_stale(crowd):
    assert refresh_facets()
    agree(crowd)
    ids = list(Contact.objects.order_by("id").values_list("id", flat=True))
    Contact.objects.filter(pk__in=ids[3:200:17]).update(
        tags=[Tag.objects.get(slug="old").pk], attributes={"city": "Rome", "score": 5}
    )
    Contact.objects.filter(pk__in=ids[5:200:31]).delete()
    Contact.objects.create(email="new@example.com", email_key="new@example.com", attributes={"amount": 3})
    Suppression.objects.create(email="x", email_key=Contact.objects.get(pk=ids[0]).email_key, reason="complaint")
    agree(crowd)


def test_random_trees_from_bits_of_behaviour_some_of_which_are_stale(crowd):
    assert refresh_facets()
    assert build_deeds()
    sent = set(Message.objects.values_list("id", flat=True))
    assert sent
    assert messages_with_bits(sent) == sent
    agree(crowd, deeds)
    do_more(crowd)
    agree(crowd, deeds)
    assert build_deeds()
    agree(crowd, deeds)
