"""Main reads of API v2: requests a second and p99, beside plain DRF views over the same data in the same run.

    .venv/bin/python bench/api.py [--contacts 200000] [--seconds 4] [--connections 16]

One web process with eight threads each; database and load generator share the machine. Our side checks a key, counts
limits and writes a log line for each request; the plain side does none of this.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench.stage import ROOT, Stage, table  # noqa: E402

PLAIN, OURS = "bench.plain_api:make_app", "config.asgi:application"
_NO_LIMITS = {f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_TENANT", "PER_USER", "GLOBAL")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    os.environ |= _NO_LIMITS
    with Stage() as stage, tempfile.TemporaryDirectory() as folder:
        stage.make_contacts(options.contacts)
        tenant, key, first = _fill()
        reads = {
            "a page of contacts": (f"/api/v2/contacts/{tenant}", "/plain/contacts"),
            "one contact": (f"/api/v2/contacts/{tenant}/{first}", f"/plain/contacts/{first}"),
            "tags with counts": (f"/api/v2/tags/{tenant}", "/plain/tags"),
            "a page of campaigns": (f"/api/v2/campaigns/{tenant}", "/plain/campaigns"),
            "overview": (f"/api/v2/stats/{tenant}/overview", None),
        }
        measured: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in reads}
        for app in (PLAIN, OURS):
            with serving(app) as port:
                for name, paths in reads.items():
                    path = paths[app == PLAIN]
                    if path is not None:
                        measured[name][app] = _load(port, path, options, Path(folder), key)
    _print(measured)


def _fill() -> tuple[int, str, int]:
    """Ten tags, fifty campaigns, a key: the tenant's id, the key, a contact's id."""
    from campaigns.models import Campaign, Template
    from contacts.models import Contact, Tag
    from contacts.targeting import refresh_facets
    from tenants.scope import current_tenant
    from tenants.services.keys import create_api_key

    Tag.objects.bulk_create(Tag(slug=f"tag-{number}", name=f"Tag {number}") for number in range(10))
    template = Template.objects.create(name="letter", subject="Hello", html="<p>Hello</p>")
    Campaign.objects.bulk_create(
        Campaign(name=f"Campaign {number}", template=template, from_address="news@acme.example") for number in range(50)
    )
    refresh_facets(seconds=600)  # as an import does at its end
    _, key = create_api_key(tenant=current_tenant(), name="bench")
    contact = Contact.objects.order_by("id").values_list("id", flat=True)[0]
    return current_tenant().pk, key, contact


@contextmanager
def serving(app: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    argv = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--app-dir", str(ROOT)]
    # As `manage.py serve` has it.
    argv += ["--ws", "none", "--no-access-log", "--no-server-header", "--no-proxy-headers"]
    argv += ["--factory"] if app == PLAIN else []
    path = f"{ROOT}:{ROOT / 'platform'}"
    process = subprocess.Popen(argv, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _load(port: int, path: str, options: argparse.Namespace, folder: Path, key: str) -> dict[str, Any]:
    file = folder / "paths"
    file.write_text(path)
    found: dict[str, Any] = {}
    for seconds in (1.0, options.seconds):  # the first to warm up
        argv = [sys.executable, "-m", "bench.http_load", str(port), str(options.connections), str(seconds), str(file)]
        argv += ["acme.localhost", f"X-API-Key: {key}"]
        found = json.loads(subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    if set(found["statuses"]) != {"200"}:
        sys.exit(f"{path} answers {found['statuses']}: this must not be.")
    return found


def _print(measured: dict[str, dict[str, dict[str, Any]]]) -> None:
    rows: list[list[object]] = [["read", "requests/s", "p50 ms", "p99 ms", "plain DRF", "p99 ms", "ratio"]]
    for name, found in measured.items():
        ours, plain = found[OURS], found.get(PLAIN)
        row: list[object] = [name, f"{ours['per_second']:,.0f}", f"{ours['p50_ms']:.1f}", f"{ours['p99_ms']:.1f}"]
        if plain is None:
            row += ["", "", ""]
        else:
            ratio = ours["per_second"] / plain["per_second"]
            row += [f"{plain['per_second']:,.0f}", f"{plain['p99_ms']:.1f}", f"{ratio:.2f}"]
        rows.append(row)
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
