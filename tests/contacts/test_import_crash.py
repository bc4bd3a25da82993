"""Imports that are killed, and imports that meet: real processes, real locks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from common.errors import Conflict
from contacts.importing.pipeline import create_import, import_contacts, run_import
from contacts.models import Contact, Import, Suppression, Tag
from contacts.services.suppressing import suppress
from tenants.models import Tenant

ROOT = Path(__file__).resolve().parents[2]
ROWS = 30_000

# Runs one import in small batches, in a process of its own that can be killed.
RUNNER = """
import sys
import django
django.setup()
from contacts.importing import reading
from contacts.importing.pipeline import run_import
from tenants.scope import tenant_by_slug, tenant_scope
reading.BATCH = 500
with tenant_scope(tenant_by_slug(sys.argv[1])):
    run_import(int(sys.argv[2]))
"""


def contacts_csv(folder: Path, rows: int = ROWS) -> Path:
    path = folder / "contacts.csv"
    with path.open("w", encoding="utf-8") as out:
        out.write("email,name,score,tags\n")
        for number in range(rows):
            out.write(f'user{number}@example.com,Ann {number},{number},"a, b{number % 7}"\n')
        out.write("user1@example.com,again,1,\nnobody,x,1,\n")
    return path


def start(tenant: Tenant, run: Import) -> "subprocess.Popen[bytes]":
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    environ = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    return subprocess.Popen([sys.executable, "-c", RUNNER, tenant.slug, str(run.pk)], cwd=ROOT, env=environ)


def wait_until_under_way(run: Import, beyond: int) -> None:
    deadline = time.monotonic() + 60
    while run.line <= beyond:
        assert time.monotonic() < deadline
        time.sleep(0.005)
        run.refresh_from_db()


def test_a_killed_import_goes_on_where_it_stopped(live_tenant: Tenant, tmp_path: Path) -> None:
    run = create_import(path=contacts_csv(tmp_path), tags=["fair"])
    reached = 0
    for _ in range(2):
        process = start(live_tenant, run)
        wait_until_under_way(run, beyond=reached + 1_000)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        run.refresh_from_db()
        reached = run.line
        assert run.state == Import.State.RUNNING
        assert Contact.objects.count() == run.created < ROWS
    process = start(live_tenant, run)
    assert process.wait(timeout=90) == 0
    run.refresh_from_db()
    assert (run.state, run.created, run.duplicates, run.invalid) == (Import.State.FINISHED, ROWS, 1, 1)
    assert (run.updated, run.unchanged, run.line) == (0, 0, ROWS + 3)
    assert Contact.objects.count() == ROWS
    assert [reject.line for reject in run.rejects.all()] == [ROWS + 2, ROWS + 3]


def test_nobody_else_runs_an_import_that_is_running(live_tenant: Tenant, tmp_path: Path) -> None:
    run = create_import(path=contacts_csv(tmp_path))
    process = start(live_tenant, run)
    try:
        wait_until_under_way(run, beyond=500)
        with pytest.raises(Conflict, match="running already"):
            run_import(run.pk)
    finally:
        process.kill()
        process.wait()


def test_an_import_that_is_stopped_writes_no_further_batch(live_tenant: Tenant, tmp_path: Path) -> None:
    run = create_import(path=contacts_csv(tmp_path))
    process = start(live_tenant, run)
    wait_until_under_way(run, beyond=500)
    Import.objects.filter(pk=run.pk).update(state=Import.State.FAILED)
    assert process.wait(timeout=60) != 0
    run.refresh_from_db()
    assert Contact.objects.count() == run.created < ROWS


def test_imports_and_other_writers_meet_without_a_deadlock(live_tenant: Tenant, tmp_path: Path) -> None:
    """Two files with the same people in opposite order, and somebody who suppresses them meanwhile."""
    forward = [f"user{number}@example.com" for number in range(3_000)]
    paths = []
    for name, addresses in (("a", forward), ("b", forward[::-1])):
        path = tmp_path / f"{name}.csv"
        path.write_text("email,city,tags\n" + "".join(f"{address},{name},{name}\n" for address in addresses))
        paths.append(path)
    import_contacts(path=paths[0])

    def importing(path: Path) -> Import:
        with entered(live_tenant):
            return import_contacts(path=path)

    def suppressing() -> None:
        with entered(live_tenant):
            for number in range(20):
                suppress(reason="manual", origin="test", addresses=forward[number * 100 : number * 100 + 50])

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(importing, path) for path in (*paths, *paths)] + [pool.submit(suppressing)]
        runs = [future.result() for future in futures]
    assert all(run.state == Import.State.FINISHED for run in runs if run)
    assert Contact.objects.count() == 3_000
    assert Tag.objects.count() == 2
    assert Contact.objects.filter(status="suppressed").count() == Suppression.objects.count() == 1_000


@contextmanager
def entered(tenant: Tenant) -> Iterator[None]:
    """The tenant in another thread, whose connection is closed afterwards."""
    connection.set_tenant(tenant)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.close()
