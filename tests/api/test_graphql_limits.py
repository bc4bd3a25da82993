"""How much one query may ask for, and how few queries of the database it takes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from contacts.models import Contact, DataSource, Segment
from tenants.models import Tenant
from tests.api.graphql_cast import Asking, asking, nodes
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template
from tests.campaigns.report_cast import send

ALL_FIELDS = (
    "id email firstName status tags { slug contactCount } attributes source { name contactCount } consent { at }"
)
CAMPAIGN_FIELDS = "id name status template { name } segment { name } counts { total opened } rates { open }"


@pytest.fixture
def graphql(acme: Tenant) -> Asking:
    return asking(acme)


@pytest.fixture
def asked_of_the_database(graphql: Asking) -> Callable[..., list[str]]:
    """The statements on tables of the tenant that a query leads to."""

    def ask(query: str, **variables: Any) -> list[str]:
        graphql.data("{ __typename }")
        with CaptureQueriesContext(connection) as captured:
            graphql.data(query, **variables)
        about = ("contacts_", "campaigns_", "outbound_")
        return [one["sql"] for one in captured.captured_queries if any(word in one["sql"] for word in about)]

    return ask


def furnish(count: int) -> None:
    """So many contacts and campaigns, each with its own template, segment, source and tag; the last campaign was sent."""
    contacts = add_contacts(count)
    provider = add_provider(name=f"Relay {count}")
    for number, contact in enumerate(contacts):
        name = f"n{count}_{number}"
        source = DataSource.objects.create(name=name, type="manual")
        Contact.objects.filter(pk=contact.pk).update(source=source, tags=[add_tag(name)])
        segment = Segment.objects.create(name=name, tree={"tag": name})
        add_campaign(add_template(name), name=name, provider=provider, segment=segment)
    send(add_campaign(add_template(f"sent {count}"), name="sent", provider=provider, tags_all=(f"n{count}_0",)))


def test_a_page_of_contacts_takes_four_queries_however_long_it_is(
    graphql: Asking, asked_of_the_database: Callable[..., list[str]]
) -> None:
    """The contacts with their sources, the tags, their counts, the counts of the sources."""
    furnish(9)
    query = f"query($n: Int!) {{ contacts(first: $n) {{ edges {{ node {{ {ALL_FIELDS} }} }} }} }}"
    few, many = asked_of_the_database(query, n=2), asked_of_the_database(query, n=9)
    assert len(few) == len(many) == 4, many
    found = nodes(graphql.data(query, n=9)["contacts"])
    assert [one["tags"][0]["contactCount"] for one in found] == [1] * 9
    assert [one["source"]["contactCount"] for one in found] == [1] * 9


def test_a_page_of_campaigns_takes_five_queries_however_long_it_is(
    graphql: Asking, asked_of_the_database: Callable[..., list[str]]
) -> None:
    """The campaigns with templates and segments, and four for the figures of all of them."""
    furnish(9)
    query = f"query($n: Int!) {{ campaigns(first: $n) {{ edges {{ node {{ {CAMPAIGN_FIELDS} }} }} }} }}"
    few, many = asked_of_the_database(query, n=2), asked_of_the_database(query, n=9)
    assert len(few) == len(many) == 5, many


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("{ tags { edges { node { id slug name description contactCount } } } }", 2),
        ("{ dataSources { edges { node { id name contactCount } } } }", 2),
        ("{ templates { edges { node { id name subject } } } }", 1),
        ("{ segments { edges { node { id name tree lastCount } } } }", 1),
        ("{ suppressions { edges { node { id email reason } } } }", 1),
        ("{ a: contacts { edges { node { id } } } b: contacts { edges { node { id } } } }", 2),
    ],
)
def test_other_lists_take_one_query_and_one_for_their_counts(
    graphql: Asking, asked_of_the_database: Callable[..., list[str]], query: str, most: int
) -> None:
    furnish(5)
    assert len(asked_of_the_database(query)) == most


def test_only_the_columns_that_were_asked_for_are_read(
    graphql: Asking, asked_of_the_database: Callable[..., list[str]]
) -> None:
    furnish(2)
    (statement,) = asked_of_the_database("{ campaigns { edges { node { name template { subject } } } } }")
    assert '"campaigns_template"."subject"' in statement
    assert '"campaigns_template"."html"' not in statement
    assert '"campaigns_campaign"."error"' not in statement
    (statement,) = asked_of_the_database("{ templates { edges { node { name } } } }")
    assert '"html"' not in statement


@pytest.mark.parametrize("in_full", [False, True])
def test_the_usual_introspection_is_within_the_limits(graphql: Asking, in_full: bool) -> None:
    more = ("specified_by_url", "directive_is_repeatable", "schema_description", "input_value_deprecation")
    found = graphql.data(get_introspection_query(**dict.fromkeys(more, in_full)))
    assert {one["name"] for one in found["__schema"]["types"]} > {"Query", "Campaign", "Contact", "ContactFilter"}


def _deep(levels: int) -> str:
    return f'{{ __type(name: "Query") {{ {"ofType { " * levels} name {"} " * levels} }} }}'


_PAGE = "contacts(first: 100) { edges { node { id } } }"
_WIDE = "id email firstName lastName language timezone country status attributes createdAt updatedAt"
# Each fragment holds the next one twice: a few lines, a thousand million fields.
_BOMB = (
    "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
    + "fragment F30 on Query { contactCount }"
)
TOO_LARGE = {
    "too deep": _deep(20),
    "too many words": "{ " + "contactCount " * 1_100 + "}",
    "too many things at once": "{ " + " ".join(f"a{n}: contactCount" for n in range(21)) + " }",
    "too many fields of one thing": f"{{ contact(id: 1) {{ {' '.join(f'a{n}: id' for n in range(101))} }} }}",
    "too many values": "{ "
    + " ".join(
        f"a{n}: contacts(first: 100) {{ edges {{ node {{ {_WIDE} tags {{ id slug name description }} }} }} }}"
        for n in range(12)
    )
    + " }",
    "too many mails": "{ templates(first: 100) { edges { node { html } } } }",
    "a page behind a variable": "query($n: Int = 100) { templates(first: $n) { edges { node { text } } } }",
    "fragments in fragments": f"{_BOMB} {{ ...F0 }}",
    "fragments in fragments of a page": (
        "".join(f"fragment F{n} on Contact {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
        + "fragment F30 on Contact { id } { contacts { edges { node { ...F0 } } } }"
    ),
    "a parser's depth": "{ contact(id: 1) { source " + "{ a " * 300 + "} " * 300 + "} }",
    "the schema's schema": (
        "{ __schema { types { "
        + " ".join(f"a{n}: fields {{ type {{ fields {{ name type {{ name }} }} }} }}" for n in range(40))
        + " } } }"
    ),
}


@pytest.mark.parametrize("query", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_query_that_asks_for_too_much_is_refused_before_the_database_is_asked(graphql: Asking, query: str) -> None:
    error = graphql.error(query)
    assert error["extensions"]["code"] == "query_too_large", error


@pytest.mark.parametrize(
    "query",
    [
        "fragment A on Query { ...A } { ...A }",
        "fragment A on Contact { ...B } fragment B on Contact { ...A } { contacts { edges { node { ...A } } } }",
        "{ ...Nowhere }",
        "{ ... on Nothing { id } }",
        "{ contacts { edges { node { nothing { more } } } } }",
    ],
)
def test_a_query_that_means_nothing_is_refused_as_such(graphql: Asking, query: str) -> None:
    assert {error["extensions"]["code"] for error in graphql.ask(query)["errors"]} == {"invalid_query"}


def test_introspection_does_not_go_round_in_circles(graphql: Asking) -> None:
    error = graphql.error('{ __type(name: "Query") { fields { type { fields { type { fields { name } } } } } } }')
    assert error["extensions"]["code"] == "invalid_query"


def test_the_largest_pages_within_the_limits_are_answered(graphql: Asking) -> None:
    add_contacts(3)
    query = "{ " + " ".join(f"a{number}: {_PAGE}" for number in range(20)) + " }"
    assert all(len(page["edges"]) == 3 for page in graphql.data(query).values())


def test_a_list_without_a_size_is_a_page_of_fifty(graphql: Asking) -> None:
    add_contacts(60)
    for query in ("{ contacts { edges { cursor } } }", "{ contacts(first: null) { edges { cursor } } }"):
        assert len(graphql.data(query)["contacts"]["edges"]) == 50
