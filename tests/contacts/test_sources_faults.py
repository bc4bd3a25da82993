"""Sources that fail, mislead or stay away, and syncs that meet."""

from typing import Any

import pytest

from common.errors import Conflict
from contacts.models import Contact, SourceRun
from contacts.sources.managing import create_source, delete_source, update_source
from contacts.sources.requesting import request_sync
from tenants.models import Tenant
from tests.common.web_server import Asked, web_server
from tests.contacts.source_cast import People, answer_json, counts, go_on, patient, people_served, person, scraper, sync


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": [person(1)]}, "same page twice"),
        ({"data": {"not": "a list"}}, "stands no list"),
        ({"other": []}, "nothing at “data”"),
    ],
)
def test_a_source_that_would_never_end_or_is_something_else_fails_clearly(
    acme: Tenant, answer: Any, words: str
) -> None:
    with web_server(lambda asked: answer_json(asked, answer)) as server:
        run = sync(scraper(server))
    assert run.state == "failed"
    assert words in run.error
    assert run.source.last_error == run.error
    assert run.position == {}


def test_a_cursor_that_leads_in_a_circle_is_noticed(acme: Tenant) -> None:
    def circle(asked: Asked) -> None:
        at = int(asked.query.get("cursor", "0"))
        answer_json(asked, {"items": [person(at)], "next_cursor": str((at + 1) % 3)})

    with web_server(circle) as server:
        source = create_source(
            name="Circle", type="backlink-engine", config={"url": server.url, "pause_ms": 0, "since_param": ""}
        )
        run = sync(source)
        assert len(server.asked) < 8
    assert (run.state, Contact.objects.count()) == ("failed", 3)
    assert "circle" in run.error


def test_a_link_to_another_host_is_not_followed(acme: Tenant) -> None:
    answer = {"data": [person(1)], "next": "http://169.254.169.254/latest"}
    with web_server(lambda asked: answer_json(asked, answer)) as server:
        run = sync(scraper(server, paging={"kind": "link", "next_path": "next"}))
    assert (run.state, run.created) == ("failed", 0)
    assert "another host" in run.error


@pytest.mark.parametrize(
    "broken",
    [
        (500, b"", {}),
        (200, b'{"data": [', {}),
        (200, b"{}", {"Content_Length": "100"}),
        (503, b"<html>", {}),
    ],
)
def test_what_may_pass_is_tried_again(acme: Tenant, broken: tuple[int, bytes, dict[str, str]]) -> None:
    waits: list[float] = []
    people = People([person(number) for number in range(15)], broken=[broken, broken])
    with people_served(people) as server:
        run = sync(scraper(server), patience=patient(waits=waits))
    assert (run.state, run.created, run.attempts, run.error) == ("finished", 15, 0, "")
    assert [wait for wait in waits if wait] == [2.0, 4.0]


def test_retry_after_is_honoured_and_not_waited_for_in_the_worker(acme: Tenant) -> None:
    waits: list[float] = []
    people = People([person(1)], broken=[(429, b"", {"Retry_After": "90"})])
    with people_served(people) as server:
        run = request_sync(scraper(server))
        go_on(run, patience=patient(waits=waits, awake=5))
        assert (run.state, run.attempts, waits) == ("running", 1, [])
        go_on(run, patience=patient(awake=5))
        assert len(server.asked) == 1  # too early: it is not asked
        SourceRun.objects.filter(pk=run.pk).update(wait_until=None)
        assert go_on(run).state == "finished"


def test_a_source_that_stays_away_is_given_up_and_taken_up_again_where_it_was(acme: Tenant) -> None:
    people = People([person(number) for number in range(25)])
    with people_served(people) as server:
        source = scraper(server)
        run = request_sync(source)
        real, calls = server.respond, []

        def away_after_two(asked: Asked) -> None:
            calls.append(1)
            real(asked) if len(calls) <= 2 else asked.answer(503)

        server.respond = away_after_two
        go_on(run)
        assert (run.state, run.pages, run.created) == ("failed", 2, 20)
        assert "Given up after 4 attempts" in run.error
        server.respond = real
        people.queries.clear()
        again = sync(source)
        assert [query["page"] for query in people.queries] == ["3", "4"]
    assert counts(again) == (5, 5, 0, 0, 0, 0)
    source.refresh_from_db()
    assert source.last_error == ""


@pytest.mark.parametrize(("status", "words"), [(401, "credentials"), (404, "404"), (302, "redirects")])
def test_what_will_not_pass_is_not_tried_again(acme: Tenant, status: int, words: str) -> None:
    with web_server(lambda asked: asked.answer(status)) as server:
        run = sync(scraper(server))
        assert len(server.asked) == 1
    assert run.state == "failed"
    assert words in run.error


def test_an_endless_answer_is_cut_and_fails(acme: Tenant) -> None:
    def pour(asked: Asked) -> None:
        asked.raw(b'HTTP/1.0 200 OK\r\n\r\n{"data": [')
        for _ in range(1 << 14):
            asked.raw(b" " * 65536)

    with web_server(pour) as server:
        run = sync(scraper(server))
    assert run.state == "failed"
    assert "larger than 20,000,000 bytes" in run.error


def test_our_own_network_is_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUTGOING_ALLOW_PRIVATE")
    with web_server(lambda asked: answer_json(asked, {"data": [person(1)]})) as server:
        run = sync(scraper(server))
        assert server.asked == []
    assert "not public" in run.error


def test_a_sync_never_runs_twice_at_once(acme: Tenant) -> None:
    with people_served(People([person(1)])) as server:
        source = scraper(server)
        run = request_sync(source)
        with pytest.raises(Conflict, match="is being synced"):
            request_sync(source, force=True)
        with pytest.raises(Conflict, match="is being synced"):
            update_source(source.pk, config={"items_path": "other"})
        with pytest.raises(Conflict, match="is being synced"):
            delete_source(source.pk)
        go_on(run)
        assert request_sync(source).pk != run.pk


def test_a_run_of_a_source_that_was_switched_off_ends(acme: Tenant) -> None:
    with people_served(People([person(1)])) as server:
        source = scraper(server)
        run = request_sync(source)
        update_source(source.pk, is_active=False)
        go_on(run)
        assert (run.state, run.error, len(server.asked)) == ("failed", "The source was switched off.", 0)


def test_a_file_that_is_none_fails_with_its_reason(acme: Tenant) -> None:
    with web_server(lambda asked: asked.answer(200, b"<!doctype html><p>Log in")) as server:
        run = sync(create_source(name="List", type="csv", config={"url": f"{server.url}/people.csv"}))
    assert run.state == "failed"
    assert "web page" in run.error


def test_old_runs_are_forgotten(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.sources.requesting._RUNS_KEPT", 3)
    with people_served(People([person(1)])) as server:
        source = scraper(server)
        runs = [sync(source).pk for _ in range(6)]
    assert list(SourceRun.objects.values_list("pk", flat=True)) == runs[:2:-1]
