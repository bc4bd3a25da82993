"""Data sources over the API: V12 to V17 and what goes beyond them."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.secrets import unseal
from contacts.models import Contact, DataSource, SourceRun
from contacts.sources.requesting import SYNC_TASK
from tenants.models import DueWork, Tenant
from tests.api.v2_cast import V2, caller
from tests.contacts.source_cast import People, go_on, people_served, person

FIELDS = {
    "id", "tenant_id", "name", "type", "config", "is_active", "contact_count", "last_sync_at", "last_error",
    "created_at", "updated_at",
}  # fmt: skip
SCRAPER = {
    "name": "Scraper-Pro France",
    "type": "scraper-pro",
    "config": {"url": "https://scraper.example.com/contacts", "auth": {"kind": "bearer", "secret": "s3cret-token"}},
}


def made(api: V2, **values: Any) -> dict[str, Any]:
    answer = api.post("data-sources", {**SCRAPER, **values})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def path(api: V2, source: dict[str, Any], action: str = "") -> str:
    return f"data-sources/{api.tenant.pk}/{source['id']}{action}"


def refused(answer: Any, status: int, field: str | None = None) -> None:
    assert answer.status_code == status, answer.content
    assert answer.json()["error"]["field"] == field


def test_v12_a_data_source_is_created(acme: Tenant) -> None:
    answer = caller(acme).post("data-sources", {"tenant_id": acme.pk, **SCRAPER})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == FIELDS
    assert (body["tenant_id"], body["name"], body["type"]) == (acme.pk, "Scraper-Pro France", "scraper-pro")
    assert (body["is_active"], body["contact_count"], body["last_sync_at"], body["last_error"]) == (True, 0, None, "")
    assert body["config"]["auth"] == {"kind": "bearer", "name": "", "username": "", "has_secret": True}
    assert body["config"]["paging"]["kind"] == "page"
    assert b"s3cret" not in answer.content
    source = DataSource.objects.get(pk=body["id"])
    assert unseal(source.sealed_secret, settings.SECRET_KEY) == "s3cret-token"
    assert "s3cret" not in source.sealed_secret + str(source.config)


@pytest.mark.parametrize("kind", ["scraper-pro", "backlink-engine", "csv", "manual"])
def test_v12_every_type_can_be_made_with_a_name_alone(acme: Tenant, kind: str) -> None:
    body = caller(acme).post("data-sources", {"name": kind, "type": kind}).json()
    assert (body["type"], body["config"]["url"]) == (kind, "")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": 7}, "name"),
        ({"type": "ftp"}, "type"),
        ({"type": None}, "type"),
        ({"is_active": "yes"}, "is_active"),
        ({"config": []}, "config.non_field_errors"),
        ({"config": {"url": "ftp://a.example"}}, "config.url"),
        ({"config": {"url": "http://me:pw@a.example/"}}, "config.url"),
        ({"config": {"url": "http://a.example:25/"}}, "config.url"),
        ({"config": {"url": "http://2130706433/"}}, "config.url"),
        ({"config": {"method": "DELETE"}}, "config.method"),
        ({"config": {"headers": {"Host": "evil"}}}, "config.headers.Host"),
        ({"config": {"headers": {"X": "a\r\nY: b"}}}, "config.headers.X"),
        ({"config": {"auth": {"kind": "bearer"}}}, "config.auth.secret"),
        ({"config": {"auth": {"kind": "bearer", "secret": "a\nb"}}}, "config.auth.secret"),
        ({"config": {"auth": {"kind": "header", "secret": "x"}}}, "config.auth.name"),
        ({"config": {"paging": {"kind": "cursor"}}}, "config.paging.cursor_path"),
        ({"config": {"paging": {"size": 10**30}}}, "config.paging.size"),
        ({"config": {"paging": {"size": "5"}}}, "config.paging.size"),
        ({"config": {"mapping": {"first_name": "a"}}}, "config.mapping.email"),
        ({"config": {"mapping": {"email": "email", "created_at": "x"}}}, "config.mapping"),
        ({"config": {"mapping": {"email": 3}}}, "config.mapping.email"),
        ({"config": {"mapping": {"email": "email", "\ud800": "x"}}}, "config.mapping"),
        ({"config": {"mapping": {"\ud800": 3}}}, "config.mapping"),
        ({"config": {"mapping": {"email": "email", "a\0b": "x"}}}, "config.mapping"),
        ({"config": {"mapping": {"email": "email", "a" * 300: "x"}}}, "config.mapping"),
        ({"config": {"headers": {"X\r\nY": "b"}}}, "config.headers"),
        ({"config": {"since_param": "after", "since_path": "", "since_format": "number"}}, "config.since_path"),
        ({"config": {"defaults": {"language": "no language"}}}, "config.defaults.language"),
        ({"config": {"defaults": {"tags": "vip"}}}, "config.defaults.tags"),
        ({"config": {"interval_minutes": 1, "url": "https://a.example"}}, "config.interval_minutes"),
        ({"config": {"interval_minutes": 60}}, "config.interval_minutes"),
    ],
)
def test_v12_what_cannot_be_used_is_refused_with_its_place(acme: Tenant, values: dict[str, Any], field: str) -> None:
    answer = caller(acme).post("data-sources", {"name": "New", "type": "scraper-pro", **values})
    assert answer.status_code == 422, answer.content
    assert (answer.json()["error"]["field"] or "").startswith(field.removesuffix(".non_field_errors"))
    assert not DataSource.objects.exists()


def test_v12_a_name_that_is_taken_is_refused(acme: Tenant) -> None:
    api = caller(acme)
    made(api)
    refused(api.post("data-sources", SCRAPER), 409, "name")


def test_v13_the_list_has_counts_and_pages(acme: Tenant) -> None:
    api = caller(acme)
    first, second, third = (made(api, name=name) for name in ("one", "two", "three"))
    for number in range(3):
        key = f"{number}@a.example"
        Contact.objects.create(email=key, email_key=key, source_id=second["id"])
    answer = api.get(f"data-sources/{acme.pk}")
    assert answer.status_code == 200
    assert [(row["id"], row["contact_count"]) for row in answer.json()] == [
        (third["id"], 0), (second["id"], 3), (first["id"], 0),
    ]  # fmt: skip
    assert all(set(row) == FIELDS for row in answer.json())
    assert "X-Next-Cursor" not in answer.headers
    page = api.get(f"data-sources/{acme.pk}?limit=2")
    assert [row["id"] for row in page.json()] == [third["id"], second["id"]]
    rest = api.get(f"data-sources/{acme.pk}?limit=2&cursor={page.headers['X-Next-Cursor']}")
    assert [row["id"] for row in rest.json()] == [first["id"]]


def test_v13_a_long_list_costs_as_many_queries_as_a_short_one(acme: Tenant) -> None:
    api = caller(acme)
    one = made(api)
    api.get(f"data-sources/{acme.pk}")
    with CaptureQueriesContext(connection) as short:
        assert len(api.get(f"data-sources/{acme.pk}").json()) == 1
    DataSource.objects.bulk_create(DataSource(name=f"source {number}", type="manual") for number in range(60))
    with CaptureQueriesContext(connection) as long:
        assert len(api.get(f"data-sources/{acme.pk}").json()) == 61
    assert len(about_contacts(short)) == len(about_contacts(long)) == 2
    with CaptureQueriesContext(connection) as single:
        api.get(path(api, one))
    assert len(about_contacts(single)) == 2


def about_contacts(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries.captured_queries if "contacts_" in query["sql"]]


def test_v14_one_is_shown(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    answer = api.get(path(api, source))
    assert (answer.status_code, answer.json()) == (200, source)
    refused(api.get(f"data-sources/{acme.pk}/{2**70}"), 404, "source_id")


def test_v14_a_source_that_an_import_made_is_shown_too(acme: Tenant) -> None:
    api = caller(acme)
    source = DataSource.objects.create(name="Fair")
    body = api.get(f"data-sources/{acme.pk}/{source.pk}").json()
    assert (set(body), body["type"], body["config"]["mapping"]) == (FIELDS, "csv", {})


def test_v15_a_part_is_changed_and_the_rest_stays(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    answer = api.put(path(api, source), {"name": "Scraper", "config": {"defaults": {"tags": ["b2b"]}}})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["name"], body["config"]["defaults"]["tags"]) == ("Scraper", ["b2b"])
    assert body["config"]["url"] == source["config"]["url"]
    assert body["config"]["auth"]["has_secret"] is True
    renewed = api.put(path(api, source), {"config": {"auth": {"secret": "another"}}}).json()
    assert renewed["config"]["auth"]["kind"] == "bearer"
    assert unseal(DataSource.objects.get().sealed_secret, settings.SECRET_KEY) == "another"
    assert api.put(path(api, source), {"is_active": False}).json()["is_active"] is False


def test_v15_a_secret_is_not_sent_to_another_host(acme: Tenant) -> None:
    """Whoever may change the URL could read the secret there, which is never shown otherwise."""
    api = caller(acme)
    source = made(api)
    elsewhere = {"url": "https://evil.example/contacts"}
    refused(api.put(path(api, source), {"config": elsewhere}), 422, "config.auth.secret")
    assert unseal(DataSource.objects.get().sealed_secret, settings.SECRET_KEY) == "s3cret-token"
    moved = api.put(path(api, source), {"config": {**elsewhere, "auth": {"secret": "given again"}}})
    assert (moved.status_code, moved.json()["config"]["url"]) == (200, elsewhere["url"])
    dropped = api.put(path(api, source), {"config": {"auth": {"kind": "none"}}})
    assert dropped.json()["config"]["auth"]["has_secret"] is False
    assert DataSource.objects.get().sealed_secret == ""


def test_v15_a_name_that_is_taken_and_a_source_that_is_not_there(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    made(api, name="Other")
    refused(api.put(path(api, source), {"name": "Other"}), 409, "name")
    refused(api.put(f"data-sources/{acme.pk}/999999", {"name": "x"}), 404, "source_id")


def test_v16_a_sync_is_triggered(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    answer = api.post(path(api, source, "/sync"), {"force": False})
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Sync triggered for Scraper-Pro France",
        "source_id": source["id"],
        "type": "scraper-pro",
    }
    run = SourceRun.objects.get()
    assert (run.source_id, run.state, run.force) == (source["id"], "waiting", False)
    assert DueWork.objects.filter(task=SYNC_TASK, reference=run.pk, schema="acme").exists()
    again = api.post(path(api, source, "/sync"))
    refused(again, 409)
    assert "is being synced" in again.json()["error"]["message"]


def test_v16_a_source_with_nothing_to_ask_says_what_to_do(acme: Tenant) -> None:
    api = caller(acme)
    for values in ({"type": "manual"}, {"type": "csv"}, {"type": "scraper-pro"}):
        source = api.post("data-sources", {"name": values["type"], **values}).json()
        answer = api.post(path(api, source, "/sync"))
        refused(answer, 409)
        assert answer.json()["error"]["hint"]
    switched_off = made(api, is_active=False)
    refused(api.post(path(api, switched_off, "/sync")), 409)
    refused(api.post(path(api, switched_off, "/sync"), {"force": "yes"}), 422, "force")
    assert not SourceRun.objects.exists()


def test_v17_a_source_without_contacts_is_deleted(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    SourceRun.objects.create(source_id=source["id"], state="finished")
    answer = api.delete(path(api, source))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not DataSource.objects.exists()
    refused(api.delete(path(api, source)), 404, "source_id")


def test_v17_a_source_with_contacts_or_a_sync_stays(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    Contact.objects.create(email="a@a.example", email_key="a@a.example", source_id=source["id"])
    refused(api.delete(path(api, source)), 409)
    Contact.objects.all().delete()
    api.post(path(api, source, "/sync"))
    refused(api.delete(path(api, source)), 409)
    assert DataSource.objects.exists()


def test_a_sync_runs_and_its_runs_are_shown(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
    api = caller(acme)
    with people_served(People([person(1), person(2), person(3, email="x")])) as server:
        source = made(api, config={"url": server.url, "pause_ms": 0})
        api.post(path(api, source, "/sync"), {"force": True})
        go_on(SourceRun.objects.get())
    run = api.get(path(api, source, "/runs")).json()
    assert run["next_cursor"] is None
    [shown] = run["items"]
    assert (shown["state"], shown["seen"], shown["created"], shown["invalid"]) == ("finished", 3, 2, 1)
    assert (shown["force"], shown["tenant_id"], shown["source_id"]) == (True, acme.pk, source["id"])
    detail = api.get(path(api, source, f"/runs/{shown['id']}")).json()
    assert detail["rejects"] == [{"page": 1, "item": 3, "id": "3", "reason": "There is no @ in it."}]
    refused(api.get(path(api, source, "/runs/999999")), 404, "run_id")
    after = api.get(path(api, source)).json()
    assert (after["contact_count"], after["last_error"]) == (2, "")
    assert after["last_sync_at"]


def test_runs_come_in_pages(acme: Tenant) -> None:
    api = caller(acme)
    source = made(api)
    runs = [SourceRun.objects.create(source_id=source["id"], state="finished").pk for _ in range(3)]
    page = api.get(path(api, source, "/runs?limit=2")).json()
    assert [run["id"] for run in page["items"]] == [runs[2], runs[1]]
    rest = api.get(path(api, source, f"/runs?limit=2&cursor={page['next_cursor']}")).json()
    assert [run["id"] for run in rest["items"]] == [runs[0]]


def test_a_trial_shows_items_and_says_what_is_wrong(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    api = caller(acme)
    with people_served(People([person(1, company="Brick", tags=["a"])])) as server:
        source = made(api, config={"url": server.url})
        refused(api.post(path(api, source, "/test")), 422, "config.url")
        monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
        body = api.post(path(api, source, "/test")).json()
        assert (body["items"], body["has_more"], body["rejects"], body["notes"]) == (1, True, [], [])
        assert body["rows"] == [
            {
                "email": "user1@example.com", "first_name": "Ann 1", "last_name": "", "language": "", "timezone": "",
                "country": "", "status": "", "tags": ["a"], "attributes": {"company": "Brick"},
            }
        ]  # fmt: skip
        server.respond = lambda asked: asked.answer(500)
        away = api.post(path(api, source, "/test"))
        assert (away.status_code, away.json()["error"]["code"]) == (503, "source_away")
        server.respond = lambda asked: asked.answer(404)
        wrong = api.post(path(api, source, "/test"))
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "source_fault")
    assert not Contact.objects.exists()
    by_hand = api.post("data-sources", {"name": "hand", "type": "manual"}).json()
    refused(api.post(path(api, by_hand, "/test")), 409)


def test_another_tenant_sees_nothing(acme: Tenant, globex: Tenant) -> None:
    source = made(caller(acme))
    stranger = caller(globex)
    theirs, ours = f"data-sources/{acme.pk}/{source['id']}", f"data-sources/{globex.pk}/{source['id']}"
    for call in (
        lambda at: stranger.get(at),
        lambda at: stranger.put(at, {"name": "x"}),
        lambda at: stranger.post(f"{at}/sync"),
        lambda at: stranger.post(f"{at}/test"),
        lambda at: stranger.get(f"{at}/runs"),
        lambda at: stranger.get(f"{at}/runs/1"),
        lambda at: stranger.delete(at),
    ):
        assert call(theirs).status_code == 403
        assert call(ours).status_code == 404
    assert stranger.get(f"data-sources/{acme.pk}").status_code == 403
    assert stranger.post("data-sources", {**SCRAPER, "tenant_id": acme.pk}).status_code == 403
    assert stranger.get(f"data-sources/{globex.pk}").json() == []


def test_scopes_are_asked_for(acme: Tenant) -> None:
    source = made(caller(acme))
    reader = caller(acme, scopes=["read"])
    assert reader.get(path(reader, source)).status_code == 200
    assert reader.get(f"data-sources/{acme.pk}").status_code == 200
    assert reader.post("data-sources", SCRAPER).status_code == 403
    assert reader.put(path(reader, source), {"name": "x"}).status_code == 403
    assert reader.post(path(reader, source, "/sync")).status_code == 403
    assert reader.post(path(reader, source, "/test")).status_code == 403
    assert reader.delete(path(reader, source)).status_code == 403


@pytest.mark.parametrize("name", ["X-API-Key", "X-Auth-Token", "Cookie", "X-Secret"])
def test_a_key_in_the_headers_is_refused_because_headers_are_shown(acme: Tenant, name: str) -> None:
    body = {"name": "shop", "type": "csv", "config": {"url": "https://shop.example/a.csv", "headers": {name: "s3cr3t"}}}
    answer = caller(acme).post("data-sources", body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == f"config.headers.{name}"
    assert "auth" in answer.json()["error"]["hint"]
