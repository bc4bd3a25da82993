"""Pages of contacts, the newest first: the same whether the filter is met often, hardly ever, or only far back."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Tag
from contacts.services.searching import ContactFilter, find_contacts, newest_contacts
from tenants.desk.counting import EstimatedPaginator

FIRST = 500_000_000


@pytest.fixture
def spread(acme):
    """One contact in a thousand ids has `rare`, all have `common`, one far back and alone has `old`, nobody has `nobody`."""
    tags = {slug: Tag.objects.create(slug=slug, name=slug).pk for slug in ("rare", "common", "old", "nobody")}
    people = [
        Contact(pk=FIRST + n * 50, email=f"p{n}@example.com", email_key=f"p{n}@example.com", tags=[tags["common"]])
        for n in range(600)
    ]
    for person in people[::20]:
        person.tags = [tags["common"], tags["rare"]]
    people[0].tags.append(tags["old"])
    Contact.objects.bulk_create(people)


@pytest.mark.parametrize(
    "wanted",
    [
        ContactFilter(),
        ContactFilter(status="active"),
        ContactFilter(status="bounced"),
        ContactFilter(tags=("common",)),
        ContactFilter(tags=("rare",)),
        ContactFilter(tags=("rare", "old")),
        ContactFilter(tags=("nobody",)),
        ContactFilter(q="p59"),
        ContactFilter(q="p"),
    ],
)
def test_all_pages_together_are_what_meets_the_filter(spread, wanted):
    seen, before = [], None
    while page := newest_contacts(wanted, before=before, limit=7):
        seen += [person.pk for person in page]
        before = page[-1].pk
    assert seen == sorted((person.pk for person in find_contacts(wanted)), reverse=True)


def test_a_page_takes_three_queries_and_what_is_rare_is_sorted_after_it_is_found(spread):
    asked = {}
    for slug, found in (("common", 20), ("rare", 20), ("old", 1), ("nobody", 0)):
        with CaptureQueriesContext(connection) as captured:
            assert len(newest_contacts(ContactFilter(tags=(slug,)), limit=20)) == found
        asked[slug] = [one["sql"] for one in captured.captured_queries if "contacts_contact" in one["sql"]]
    assert {slug: len(queries) for slug, queries in asked.items()} == {"common": 2, "rare": 3, "old": 3, "nobody": 3}
    for slug in ("old", "nobody"):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked[slug][-1].replace('%', '%%')}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Sort" in plan
        assert "Backward" not in plan


def test_a_cursor_far_above_all_ids_is_a_cursor_at_the_top(spread):
    pages = [newest_contacts(ContactFilter(tags=("common",)), before=before, limit=20) for before in (None, 2**62)]
    assert pages[0] == pages[1]


def test_a_desks_page_sorts_what_is_rare_after_finding_it_and_nothing_else(spread):
    rare = Contact.objects.filter(tags__contains=[Tag.objects.get(slug="rare").pk]).order_by("-pk")
    pages = EstimatedPaginator(rare, 20)
    seen = [person.pk for number in (1, 2) for person in pages.page(number)]
    assert seen == sorted((person.pk for person in rare), reverse=True)
    assert "+ 0" in str(pages.page(1).object_list.query)
    assert "+ 0" not in str(EstimatedPaginator(Contact.objects.order_by("-pk"), 20).page(1).object_list.query)
