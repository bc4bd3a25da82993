"""Syncs that are killed, and syncs that meet: real processes, real locks."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from common.errors import Conflict
from contacts.models import Contact, SourceRun
from contacts.sources.locking import only_here
from contacts.sources.requesting import request_sync
from contacts.sources.running import run_sync
from tenants.models import Tenant
from tests.common.web_server import Asked
from tests.contacts.source_cast import People, patient, people_served, person, scraper

ROOT = Path(__file__).resolve().parents[2]
ROWS = 6_000

RUNNER = """
import sys
import django
django.setup()
from contacts.sources.running import run_sync
from tenants.scope import tenant_by_slug, tenant_scope
with tenant_scope(tenant_by_slug(sys.argv[1])):
    run_sync(int(sys.argv[2]), seconds=600)
"""


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


def start(tenant: Tenant, run: SourceRun) -> "subprocess.Popen[bytes]":
    name = connection.settings_dict["NAME"]
    environ = os.environ | {
        "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    return subprocess.Popen([sys.executable, "-c", RUNNER, tenant.slug, str(run.pk)], cwd=ROOT, env=environ)


def wait_until_under_way(run: SourceRun, beyond: int) -> None:
    deadline = time.monotonic() + 60
    while run.pages <= beyond:
        assert time.monotonic() < deadline
        time.sleep(0.005)
        run.refresh_from_db()


def test_a_killed_sync_goes_on_behind_the_last_page_that_was_written(live_tenant: Tenant) -> None:
    people = People([person(number, score=number) for number in range(ROWS)], size=20)
    with people_served(people) as server:
        run = request_sync(scraper(server, mapping={"email": "email", "score": "score"}))
        reached = 0
        for _ in range(3):
            process = start(live_tenant, run)
            wait_until_under_way(run, beyond=reached + 10)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            run.refresh_from_db()
            reached = run.pages
            assert run.state == "running"
            assert Contact.objects.count() == run.created == reached * 20 < ROWS
        process = start(live_tenant, run)
        assert process.wait(timeout=100) == 0
    run.refresh_from_db()
    assert (run.state, run.seen, run.created, run.pages) == ("finished", ROWS, ROWS, ROWS // 20 + 1)
    assert (run.updated, run.unchanged, run.duplicates, run.invalid) == (0, 0, 0, 0)
    assert Contact.objects.count() == ROWS
    asked = [int(query["page"]) for query in people.queries]
    assert sorted(set(asked)) == list(range(1, ROWS // 20 + 2))
    assert len(asked) <= len(set(asked)) + 3  # only the page under way at each kill was asked for twice


def test_nobody_else_runs_a_sync_that_is_running(live_tenant: Tenant) -> None:
    people = People([person(1)])
    let_go = threading.Event()
    with people_served(people) as server:
        answer = server.respond

        def hold(asked: Asked) -> None:
            let_go.wait(60)
            answer(asked)

        server.respond = hold
        run = request_sync(scraper(server))
        process = start(live_tenant, run)
        try:
            deadline = time.monotonic() + 60
            while not server.asked:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            with pytest.raises(Conflict, match="being synced already"):
                run_sync(run.pk)
        finally:
            let_go.set()
        assert process.wait(timeout=60) == 0
        assert run_sync(run.pk).state == "finished"
        assert len(server.asked) == 2
    assert Contact.objects.count() == 1


def test_a_run_that_was_ended_by_somebody_else_writes_no_further_page(live_tenant: Tenant) -> None:
    people = People([person(number) for number in range(100)])
    with people_served(people) as server:
        answer = server.respond

        def end_it_meanwhile(asked: Asked) -> None:
            if asked.query["page"] == "3":
                connection.set_tenant(live_tenant)  # type: ignore[attr-defined]
                SourceRun.objects.update(state=SourceRun.State.FAILED)
                connection.close()
            answer(asked)

        server.respond = end_it_meanwhile
        run = request_sync(scraper(server))
        with pytest.raises(Conflict, match="was stopped"):
            run_sync(run.pk, patience=patient())
    run.refresh_from_db()
    assert (run.state, run.pages, Contact.objects.count()) == ("failed", 2, 20)


def test_a_turn_ends_with_its_time_and_the_next_goes_on(live_tenant: Tenant) -> None:
    with people_served(People([person(number) for number in range(25)])) as server:
        run = request_sync(scraper(server))
        turns = []
        while not turns or turns[-1].wait is not None:
            turns.append(run_sync(run.pk, seconds=0, patience=patient()))
    assert [(turn.state, turn.wait) for turn in turns] == [("running", 0.0)] * 3 + [("finished", None)]
    run.refresh_from_db()
    assert run.created == 25
    with only_here(live_tenant.schema_name, run.source_id):
        assert run_sync(10**9).state == "gone"
