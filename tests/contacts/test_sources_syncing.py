"""A sync brings in what a source has: page by page, only what is new, each contact once."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.models import Contact, ContactAttribute, DataSource, SourceRun, Suppression, Tag
from contacts.sources.counting import contact_counts, sum_up_sources
from contacts.sources.managing import create_source, update_source
from contacts.sources.requesting import SCHEDULE_TASK, SYNC_TASK, request_sync, sync_when_due
from contacts.sources.tasks import sync_source_task, sync_when_due_task
from contacts.sources.trying import try_source
from tenants.models import DueWork, Tenant
from tests.common.web_server import Asked, web_server
from tests.contacts.source_cast import People, answer_json, counts, go_on, people_served, person, scraper, sync


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


def test_every_page_comes_in(acme: Tenant) -> None:
    people = People([person(number, company="Brick", score=number) for number in range(25)])
    with people_served(people) as server:
        source = scraper(server, mapping={"email": "email", "first_name": "first_name", "points": "score"})
        run = sync(source)
    assert (run.state, run.pages, counts(run)) == ("finished", 4, (25, 25, 0, 0, 0, 0))
    assert [query["page"] for query in people.queries] == ["1", "2", "3", "4"]
    assert all(query["per_page"] == "500" for query in people.queries)
    contact = Contact.objects.get(email="user7@example.com")
    assert (contact.first_name, contact.attributes, contact.source) == ("Ann 7", {"points": 7}, source)
    assert ContactAttribute.objects.get(key="points").type == "number"
    source.refresh_from_db()
    assert source.last_error == ""
    assert source.last_sync_at is not None
    assert contact_counts([source.pk]) == {source.pk: 25}


def test_the_second_sync_asks_only_for_what_changed(acme: Tenant) -> None:
    people = People([person(number, updated_at=f"2026-01-{number + 1:02}T00:00:00Z") for number in range(15)])
    with people_served(people) as server:
        source = scraper(server)
        assert sync(source).created == 15
        people.queries.clear()
        people.items[3] |= {"first_name": "Changed", "updated_at": "2026-02-01T00:00:00Z"}
        run = sync(source)
        assert {query["updated_since"] for query in people.queries} == {"2026-01-14T23:59:00Z"}
        assert counts(run) == (2, 0, 1, 1, 0, 0)
        people.queries.clear()
        run = sync(source, force=True)
        assert counts(run) == (15, 0, 0, 15, 0, 0)
        assert not any("updated_since" in query for query in people.queries)
    source.refresh_from_db()
    assert source.high_water == "2026-02-01T00:00:00+00:00"


def test_a_date_of_the_future_does_not_hide_what_comes_later(acme: Tenant) -> None:
    people = People([person(1, updated_at="9999-12-31T00:00:00Z")])
    with people_served(people) as server:
        source = scraper(server)
        sync(source)
    source.refresh_from_db()
    assert source.high_water < "2100"


def test_items_are_read_the_way_files_are(acme: Tenant) -> None:
    items = [
        person(1, language="Français", country="Germany", tags=["Fair Köln", {"name": "VIP"}], status="unsubscribed"),
        person(2, language="klingonisch!", when="31.12.2026", site={"url": "https://a.example"}),
        person(3, email="Not an address"),
        person(4, email=None),
        "no object",
        person(2, first_name="Last one\u0000 counts \ud800"),
        person(5, email="Ann Lee <USER5@Example.COM>", flag="yes", count="twelve"),
        person(6, flag=True, count=12),
    ]
    ContactAttribute.objects.create(key="count", label="Count", type="number")
    mapping = {
        **{name: name for name in ("email", "first_name", "language", "country", "tags", "status", "count")},
        "attributes.flag": "flag",
        "website": "site.url",
    }
    with people_served(People(items)) as server:
        run = sync(scraper(server, mapping=mapping, defaults={"tags": ["scraped"], "country": "FR"}))
    assert counts(run) == (8, 4, 0, 0, 1, 3)
    assert [(reject["page"], reject["item"], reject["id"]) for reject in run.rejects] == [
        (1, 3, "3"), (1, 4, "4"), (1, 5, ""),
    ]  # fmt: skip
    assert "Not an address" not in str(run.rejects)
    first = Contact.objects.get(email_key="user1@example.com")
    assert (first.language, first.country, first.status) == ("fr", "DE", "unsubscribed")
    names = set(Tag.objects.filter(pk__in=first.tags).values_list("slug", flat=True))
    assert names == {"fair-koln", "vip", "scraped"}
    assert Suppression.objects.filter(email_key="user1@example.com", reason="unsubscribed").exists()
    second = Contact.objects.get(email_key="user2@example.com")
    assert (second.first_name, second.language, second.country) == ("Last one counts ?", "", "FR")
    assert Contact.objects.get(email_key="user5@example.com").attributes == {"flag": "yes"}
    assert Contact.objects.get(email_key="user6@example.com").attributes == {"flag": "true", "count": 12}
    assert {note["message"] for note in run.notes} == {
        "Some values are not a language that is known; they were left out.",
        "Some values do not fit the type of count; they were left out.",
    }


def test_a_default_never_replaces_what_is_known(acme: Tenant) -> None:
    Contact.objects.create(email="user1@example.com", email_key="user1@example.com", language="de")
    Contact.objects.create(email="user2@example.com", email_key="user2@example.com")
    with people_served(People([person(1), person(2)])) as server:
        sync(scraper(server, defaults={"language": "fr"}))
    assert list(Contact.objects.order_by("email").values_list("language", flat=True)) == ["de", "fr"]


def test_known_contacts_only_get_the_tags_in_mode_add(acme: Tenant) -> None:
    Contact.objects.create(email="user1@example.com", email_key="user1@example.com", first_name="Kept")
    with people_served(People([person(1), person(2)])) as server:
        run = sync(scraper(server, mode="add", defaults={"tags": ["new"]}))
    assert counts(run) == (2, 1, 1, 0, 0, 0)
    contact = Contact.objects.get(email="user1@example.com")
    assert (contact.first_name, len(contact.tags), contact.source) == ("Kept", 1, None)


def test_a_suppressed_address_stays_suppressed(acme: Tenant) -> None:
    Suppression.objects.create(email="user1@example.com", email_key="user1@example.com", reason="complaint")
    with people_served(People([person(1, status="active")])) as server:
        sync(scraper(server, mapping={"email": "email", "status": "status"}))
    assert Contact.objects.get().status == "complained"


def test_a_cursor_is_followed_to_its_end(acme: Tenant) -> None:
    pages: dict[str, Any] = {
        "": {"items": [person(1)], "next_cursor": "b/+&"},
        "b/+&": {"items": [], "next_cursor": 3},
        "3": {"items": [person(2)], "next_cursor": None},
    }
    with web_server(lambda asked: answer_json(asked, pages[asked.query.get("cursor", "")])) as server:
        source = create_source(
            name="Links",
            type="backlink-engine",
            config={"url": f"{server.url}/v1?project=7", "auth": {"kind": "header", "name": "X-Key"}, "pause_ms": 0},
            secret="s3cret",
        )
        run = sync(source)
        assert {(asked.query["project"], asked.query["limit"]) for asked in server.asked} == {("7", "500")}
        assert {asked.headers["X-Key"] for asked in server.asked} == {"s3cret"}
    assert (run.state, run.pages, run.created) == ("finished", 3, 2)


def test_links_are_followed_in_the_header_and_in_the_body(acme: Tenant) -> None:
    def in_header(asked: Asked) -> None:
        number = int(asked.query.get("p", "1"))
        link = {"Link": f'<?p={number + 1}>; rel="next", <?p=1>; rel="first"'} if number < 3 else {}
        asked.answer(200, f'[{{"email": "user{number}@example.com"}}]'.encode(), **link)

    def in_body(asked: Asked) -> None:
        number = int(asked.query.get("p", "3"))
        following = f"/other?p={number + 1}" if number < 5 else None
        answer_json(asked, {"data": [person(number)], "links": {"next": following}})

    with web_server(in_header) as server:
        assert sync(scraper(server, items_path="", paging={"kind": "link"})).created == 3
        server.respond = in_body
        source = DataSource.objects.get()
        update_source(source.pk, config={"items_path": "data", "paging": {"kind": "link", "next_path": "links.next"}})
        assert counts(sync(source)) == (3, 2, 1, 0, 0, 0)


def test_offsets_go_on_by_what_came_and_more_path_ends_them(acme: Tenant) -> None:
    """A server may give less than was asked for: that is no end."""

    def answer(asked: Asked) -> None:
        at = int(asked.query["offset"])
        answer_json(asked, {"data": [person(number) for number in range(at, min(at + 3, 8))], "more": at + 3 < 8})

    with web_server(answer) as server:
        paging = {"kind": "offset", "size_param": "limit", "size": 100, "more_path": "more"}
        run = sync(scraper(server, paging=paging))
        assert [asked.query["offset"] for asked in server.asked] == ["0", "3", "6"]
    assert run.created == 8


def test_a_post_sends_its_parameters_as_json(acme: Tenant) -> None:
    with web_server(lambda asked: answer_json(asked, {"data": []})) as server:
        sync(scraper(server, method="POST"))
        [asked] = server.asked
    assert asked.body == b'{"per_page": "500", "page": "1"}'
    assert asked.headers["Content-Type"] == "application/json"


def test_a_sync_is_noted_as_due_with_its_request(acme: Tenant) -> None:
    with people_served(People([])) as server:
        run = request_sync(scraper(server))
    assert DueWork.objects.filter(schema="acme", task=SYNC_TASK, reference=run.pk).exists()


def test_an_interval_puts_the_next_sync_on_the_list(acme: Tenant) -> None:
    with people_served(People([person(1)])) as server:
        source = scraper(server, interval_minutes=30)
        due = DueWork.objects.filter(task=SCHEDULE_TASK, reference=source.pk)
        before = due.get().due_at
        run = sync_when_due(source.pk)
        assert run is not None
        assert due.get().due_at > before
        assert sync_when_due(source.pk) is None
        assert go_on(run).state == "finished"
        update_source(source.pk, is_active=False)
        assert not due.exists()
        assert sync_when_due(source.pk) is None
    assert sync_when_due(10**9) is None


def test_a_file_is_downloaded_and_imported_once(acme: Tenant) -> None:
    lines = b"Mail;Vorname\n" + b"".join(b"user%d@example.com;Ann %d\n" % (n, n) for n in range(30)) + b"nobody;x\n"

    def serve(asked: Asked) -> None:
        if asked.headers["If-None-Match"] == '"v1"':
            asked.answer(304)
        else:
            asked.answer(200, lines, ETag='"v1"')

    with web_server(serve) as server:
        source = create_source(
            name="List",
            type="csv",
            config={
                "url": f"{server.url}/people.csv",
                "mapping": {"email": "Mail", "nick": "Vorname"},
                "defaults": {"tags": ["fair"]},
            },
        )
        run = sync(source)
        assert (run.state, counts(run)) == ("finished", (31, 30, 0, 0, 0, 1))
        again = sync(source)
        assert (again.state, again.seen) == ("finished", 0)
        forced = sync(source, force=True)
        assert counts(forced) == (31, 0, 0, 30, 0, 1)
    contact = Contact.objects.get(email="user3@example.com")
    assert (contact.attributes, contact.source) == ({"nick": "Ann 3"}, source)
    assert Tag.objects.get().slug == "fair"


def test_a_trial_shows_the_first_items_and_writes_nothing(acme: Tenant) -> None:
    people = People([person(number, tags="a, b", company="Brick") for number in range(8)] + [person(9, email="")])
    with people_served(people) as server:
        trial = try_source(scraper(server))
    assert (trial.items, len(trial.rows), len(trial.rejects), trial.has_more) == (9, 5, 1, True)
    assert (trial.rows[0].address.text, trial.rows[0].tags) == ("user0@example.com", ("a", "b"))
    assert trial.rows[0].attributes_shown() == {"company": "Brick"}
    assert not Contact.objects.exists()
    assert not SourceRun.objects.exists()
    assert not Tag.objects.exists()
    assert not ContactAttribute.objects.exists()


def test_contacts_are_counted_by_source_whoever_writes_them(acme: Tenant) -> None:
    one, two = DataSource.objects.create(name="one"), DataSource.objects.create(name="two")
    for number in range(5):
        Contact.objects.create(email=f"{number}@a.example", email_key=f"{number}@a.example", source=one)
    Contact.objects.filter(email__startswith="0").update(source=two)
    Contact.objects.filter(email__startswith="1").update(source=None)
    Contact.objects.filter(email__startswith="2").delete()
    assert contact_counts([one.pk, two.pk, 10**12]) == {one.pk: 2, two.pk: 1, 10**12: 0}
    sum_up_sources()
    assert contact_counts([one.pk, two.pk]) == {one.pk: 2, two.pk: 1}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_sourcetally")
        assert cursor.fetchone() == (2,)


def test_the_tasks_do_what_is_due(acme: Tenant) -> None:
    with people_served(People([person(1)])) as server:
        source = scraper(server, interval_minutes=30)
        assert sync_when_due_task(source.pk) == "begun"
        run = SourceRun.objects.get()
        due = DueWork.objects.filter(task=SYNC_TASK, reference=run.pk)
        assert due.exists()
        assert sync_source_task(run.pk) == "finished"
        assert not due.exists()
        server.respond = lambda asked: asked.answer(429, Retry_After="600")
        later = request_sync(source)
        before = timezone.now()
        assert sync_source_task(later.pk) == "running"
        due = DueWork.objects.filter(task=SYNC_TASK, reference=later.pk)
        assert (due.get().due_at - before).total_seconds() > 590
        assert sync_when_due_task(source.pk) == "nothing to begin"
    assert sync_source_task(10**9) == "gone"
