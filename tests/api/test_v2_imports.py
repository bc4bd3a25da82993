"""Imports through the API: a file taken in, confirmed, watched, stopped, resumed, forgotten."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.v2.imports.views import ImportsView
from contacts.importing import reading
from contacts.importing.pipeline import run_import
from contacts.models import Contact, DataSource, Import, ImportReject
from contacts.services.imports import TASK
from contacts.tasks import run_import_task
from tenants.models import DueWork, Tenant
from tests.api.v2_cast import V2, caller

FILE = "E-Mail,First name,Kundennr,Tags\nana@example.com,Ana,007,real_estate\nnobody,,,\nbo@example.com,Bo,008,\n"


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme)


def upload(api: V2, content: str | bytes = FILE, *, name: str = "people.csv", **fields: Any) -> Any:
    inside = connection.tenant  # type: ignore[attr-defined]
    data = content.encode() if isinstance(content, str) else content
    try:
        return api.client.post(
            "/api/v2/imports",
            {"file": SimpleUploadedFile(name, data), **fields},
            headers={"host": "localhost", "x-api-key": api.key},
        )
    finally:
        connection.set_tenant(inside)  # type: ignore[attr-defined]


def uploaded(api: V2, *args: Any, **fields: Any) -> dict[str, Any]:
    answer = upload(api, *args, **fields)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def queued(run_id: int) -> bool:
    return DueWork.objects.filter(task=TASK, reference=run_id).exists()


def one(api: V2, run_id: int, action: str = "") -> str:
    return f"imports/{api.tenant.pk}/{run_id}{action}"


def test_an_uploaded_file_tells_its_columns_and_imports_nothing_yet(api: V2) -> None:
    source = DataSource.objects.create(name="shop")
    body = uploaded(
        api,
        tenant_id=api.tenant.pk,
        mode="add",
        tags=["fair", "spring_2026"],
        mapping=json.dumps({"Kundennr": "customer_number"}),
        source_id=source.pk,
    )
    run = Import.objects.get()
    assert body.pop("started_at")
    assert body == {
        "id": run.pk,
        "tenant_id": api.tenant.pk,
        "file_name": "people.csv",
        "size": len(FILE),
        "state": "waiting",
        "queued": False,
        "progress": 0.0,
        "mode": "add",
        "tags": ["fair", "spring_2026"],
        "mapping": {"Kundennr": "customer_number"},
        "source_id": source.pk,
        "columns": [
            {"heading": "E-Mail", "field": "email", "examples": ["ana@example.com", "nobody", "bo@example.com"]},
            {"heading": "First name", "field": "first_name", "examples": ["Ana", "Bo"]},
            {"heading": "Kundennr", "field": "customer_number", "examples": ["007", "008"]},
            {"heading": "Tags", "field": "tags", "examples": ["real_estate"]},
        ],
        "rows_total": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "invalid": 0,
        "suppressed": 0,
        "warnings": [],
        "error": "",
        "finished_at": None,
    }
    assert Path(run.path).read_text() == FILE
    assert Path(run.path).parent.name == api.tenant.schema_name
    assert not Contact.objects.exists()
    assert not queued(run.pk)


def test_a_confirmed_import_runs_and_is_watched(api: V2) -> None:
    run_id = uploaded(api)["id"]
    answer = api.post(one(api, run_id, "/run"), {"mapping": {"Kundennr": "number"}, "tags": ["fair"], "mode": "update"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["queued"], body["mapping"]) == ("waiting", True, {"Kundennr": "number"})
    assert body["columns"][2] == {"heading": "Kundennr", "field": "number", "examples": []}
    assert api.post(one(api, run_id, "/resume")).status_code == 409
    assert run_import_task(run_id) == "finished"
    body = api.get(one(api, run_id)).json()
    assert (body["state"], body["queued"], body["progress"]) == ("finished", False, 100.0)
    assert (body["rows_total"], body["created"], body["invalid"]) == (3, 2, 1)
    assert body["columns"][2]["field"] == "number"
    ana = Contact.objects.get(email_key="ana@example.com")
    assert (ana.first_name, ana.attributes) == ("Ana", {"number": "007"})
    for action in ("/run", "/resume", "/stop"):
        assert api.post(one(api, run_id, action)).status_code == 409


def test_a_file_whose_address_column_nobody_can_tell_waits_for_a_word(api: V2) -> None:
    body = uploaded(api, "a,b\n1,2\n")
    assert [column["field"] for column in body["columns"]] == ["", ""]
    refused = api.post(one(api, body["id"], "/run"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_address_column")


@pytest.mark.parametrize(
    ("content", "fields", "field"),
    [
        (b"PK\x03\x04" + b"\0" * 100, {}, "file"),
        ("\n\n", {}, "file"),
        (FILE, {"mode": "replace"}, "mode"),
        (FILE, {"mapping": "{"}, "mapping"),
        (FILE, {"mapping": json.dumps({"Nothing": "email"})}, "mapping"),
        (FILE, {"mapping": json.dumps({"E-Mail": 5})}, "mapping.E-Mail"),
        (FILE, {"mapping": json.dumps({"a\0": "email"})}, "mapping"),
        (FILE, {"tags": ["x" * 81]}, "tags.0"),
        (FILE, {"source_id": "12345"}, "source_id"),
        (FILE, {"source_id": "x"}, "source_id"),
        (FILE, {"tenant_id": "x"}, "tenant_id"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_not_kept(api: V2, content: Any, fields: Any, field: str) -> None:
    answer = upload(api, content, **fields)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Import.objects.exists()


def test_a_form_without_a_file_and_a_body_that_is_no_form_are_refused(api: V2) -> None:
    answer = upload(api)
    assert answer.status_code == 201
    bare = api.client.post("/api/v2/imports", {"mode": "add"}, headers={"host": "localhost", "x-api-key": api.key})
    assert (bare.status_code, bare.json()["error"]["field"]) == (422, "file")
    connection.set_tenant(api.tenant)  # type: ignore[attr-defined]
    assert api.post("imports", {"mode": "add"}).status_code == 415


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(api: V2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImportsView, "largest_body", 500)
    assert upload(api, "email\n" + "a@example.com\n" * 100).status_code == 413
    assert not Import.objects.exists()


def test_imports_are_listed_in_as_many_queries_for_many_as_for_one(api: V2) -> None:
    first = uploaded(api)["id"]
    api.get(f"imports/{api.tenant.pk}")
    with CaptureQueriesContext(connection) as few:
        assert [item["id"] for item in api.get(f"imports/{api.tenant.pk}").json()["items"]] == [first]
    others = [uploaded(api)["id"] for _ in range(4)]
    api.post(one(api, others[0], "/run"))
    with CaptureQueriesContext(connection) as many:
        items = api.get(f"imports/{api.tenant.pk}").json()["items"]
    assert [(item["id"], item["queued"]) for item in items] == [
        (number, number == others[0]) for number in reversed([first, *others])
    ]
    assert len(few) == len(many)
    page = api.get(f"imports/{api.tenant.pk}?limit=3").json()
    rest = api.get(f"imports/{api.tenant.pk}?limit=3&cursor={page['next_cursor']}").json()
    assert [item["id"] for item in rest["items"]] == [others[0], first]


def test_rejected_rows_come_in_pages_and_as_a_file(api: V2) -> None:
    rows = "".join(f"nobody{number},=1+1\n" for number in range(5))
    run_id = uploaded(api, f"email,note\na@example.com,x\n{rows}")["id"]
    api.post(one(api, run_id, "/run"))
    run_import_task(run_id)
    path = one(api, run_id, "/rejects")
    first = api.get(f"{path}?limit=3").json()
    assert first["items"][0] == {"line": 3, "reason": "There is no @ in it.", "cells": ["nobody0", "=1+1"]}
    second = api.get(f"{path}?limit=3&cursor={first['next_cursor']}").json()
    assert [item["line"] for item in first["items"] + second["items"]] == [3, 4, 5, 6, 7]
    assert second["next_cursor"] is None
    download = api.get(f"{path}?format=csv")
    assert download.headers["Content-Disposition"] == 'attachment; filename="people-not-imported.csv"'
    lines = list(csv.reader(io.StringIO(b"".join(download.streaming_content).decode())))
    assert lines[:2] == [
        ["Import line", "Import reason", "email", "note"],
        ["3", "There is no @ in it.", "nobody0", "'=1+1"],
    ]
    assert len(lines) == 6
    assert api.get(f"{path}?format=xml").status_code == 422


def test_a_stopped_import_stays_stopped_until_it_is_resumed(api: V2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    run_id = uploaded(api, "email\n" + "".join(f"p{n}@example.com\n" for n in range(6)))["id"]
    assert api.post(one(api, run_id, "/stop")).status_code == 409
    api.post(one(api, run_id, "/run"))

    def stop_after_the_first_batch(step: Any) -> None:
        if step.counts.created == 2:
            assert api.post(one(api, run_id, "/stop")).json()["state"] == "failed"

    with pytest.raises(Exception, match="was stopped"):
        run_import(run_id, progress=stop_after_the_first_batch)
    assert not queued(run_id)
    assert run_import_task(run_id) == "failed"
    body = api.get(one(api, run_id)).json()
    assert (body["state"], body["error"], body["created"], body["queued"]) == ("failed", "It was stopped.", 2, False)
    assert body["progress"] > 0
    assert Contact.objects.count() == 2
    assert api.post(one(api, run_id, "/resume")).json()["queued"] is True
    assert run_import_task(run_id) == "finished"
    assert Contact.objects.count() == 6


def test_an_import_stopped_while_its_file_is_surveyed_does_not_begin(api: V2) -> None:
    run_id = uploaded(api, "email\n" + "".join(f"p{n}@example.com\n" for n in range(2_000)))["id"]
    api.post(one(api, run_id, "/run"))

    def stop(step: Any) -> None:
        if step.surveying and queued(run_id):
            api.post(one(api, run_id, "/stop"))

    with pytest.raises(Exception, match="was stopped"):
        run_import(run_id, progress=stop)
    assert Import.objects.get().state == "failed"
    assert not Contact.objects.exists()


def test_a_forgotten_import_takes_its_file_and_rejects_along(api: V2, django_capture_on_commit_callbacks: Any) -> None:
    run_id = uploaded(api)["id"]
    path = Path(Import.objects.get().path)
    api.post(one(api, run_id, "/run"))
    ImportReject.objects.create(run_id=run_id, line=1, reason="x")
    Import.objects.update(state="running")
    assert api.delete(one(api, run_id)).status_code == 409
    api.post(one(api, run_id, "/stop"))
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.delete(one(api, run_id))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Import.objects.exists()
    assert not ImportReject.objects.exists()
    assert not queued(run_id)
    assert not path.exists()


def test_another_tenants_key_and_ids_lead_to_no_import(api: V2, globex: Tenant) -> None:
    run_id = uploaded(api)["id"]
    stranger = caller(globex)
    assert upload(stranger, tenant_id=api.tenant.pk).status_code == 403
    assert stranger.get(f"imports/{api.tenant.pk}").status_code == 403
    for tenant, status in ((api.tenant, 403), (globex, 404)):
        path = f"imports/{tenant.pk}/{run_id}"
        assert stranger.get(path).status_code == status
        assert stranger.get(f"{path}/rejects").status_code == status
        assert stranger.delete(path).status_code == status
        for action in ("run", "resume", "stop"):
            assert stranger.post(f"{path}/{action}").status_code == status
    assert stranger.get(f"imports/{globex.pk}").json()["items"] == []
    assert caller(api.tenant, scopes=["read"]).post(one(api, run_id, "/run")).status_code == 403
    assert Import.objects.get().state == "waiting"
