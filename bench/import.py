"""S7: importing contacts with attributes, tags, validation and dedupe; ours and the ORM's, in one run.

    .venv/bin/python bench/import.py [--rows 200000] [--naive-rows 3000] [--format plain]

Starts a PostgreSQL of its own in a temporary folder, as `manage.py demo` would. The rows are made by
make_contacts.py, looked for beside this repository in shared/tools, or where MAKE_CONTACTS says.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from embedded.services import start_services  # noqa: E402

MAKER = Path(os.environ.get("MAKE_CONTACTS", ROOT.parent / "shared" / "tools" / "make_contacts.py"))
GOAL = 20_000
MEMORY_GOAL = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--naive-rows", type=int, default=3_000)
    parser.add_argument("--format", default="plain")
    options = parser.parse_args()
    if not MAKER.is_file():
        print(f"There is no {MAKER}; say where make_contacts.py is with MAKE_CONTACTS.", file=sys.stderr)
        sys.exit(2)
    folder = Path(tempfile.mkdtemp(prefix="bench-import-"))
    os.environ |= {"LETTERSHOP_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
    try:
        with start_services(folder, environ=os.environ):
            import django

            django.setup()
            run(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, options: argparse.Namespace) -> None:
    from tenants.services.creation import create_tenant
    from tenants.services.installation import prepare_database

    prepare_database()
    for slug in ("ours", "naive"):
        create_tenant(slug=slug, name=slug, host=f"{slug}.localhost")
    path = folder / "contacts.csv"
    make(path, options.rows, options.format)
    print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, format {options.format}")
    first, memory, cpu = imported(path)
    print(
        f"first import   {first:>9,.0f} rows/s  {cpu:5.1f} us CPU a row in the importer, start included, {memory:.0f} MB"
    )
    again, memory_again, cpu = imported(path)
    print(
        f"the same again {again:>9,.0f} rows/s  {cpu:5.1f} us CPU a row in the importer, start included, {memory_again:.0f} MB"
    )
    rows = min(options.naive_rows, options.rows)
    naive = naive_rate(path, rows) if options.format == "plain" else 0.0
    if naive:
        print(f"get_or_create  {naive:>9,.0f} rows/s  over {rows:,} rows")
    ratio = f", {first / naive:.0f} times the ORM's" if naive else ""
    print(
        f"S7: {first:,.0f} rows/s{ratio}, {max(memory, memory_again):.0f} MB"
        f" (goal: >= {GOAL:,} rows/s, <= {MEMORY_GOAL} MB)"
    )


def make(path: Path, rows: int, kind: str) -> None:
    with path.open("wb") as out:
        subprocess.run(
            [sys.executable, MAKER, "--rows", str(rows), "--seed", "7", "--format", kind], stdout=out, check=True
        )


def imported(path: Path) -> tuple[float, float, float]:
    """Rows a second, peak megabytes and CPU microseconds a row of `manage.py import_contacts`, in a process of
    its own; the time is the import's, without the start of Python and Django."""
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "import_contacts",
        str(path),
        "--tenant",
        "ours",
        "--json",
        "--tag",
        "fair 2026",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        answer = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit("the import failed")
    found = json.loads(answer)
    rows = found["rows_total"]
    return rows / found["seconds"], usage.ru_maxrss / 1024, (usage.ru_utime + usage.ru_stime) * 1e6 / rows


def naive_rate(path: Path, rows: int) -> float:
    """The same columns with one get_or_create a row and one for each tag."""
    from django.core.validators import validate_email
    from django.db import connection

    from contacts.models import Contact, Tag
    from tenants.models import Tenant

    connection.set_tenant(Tenant.objects.get(slug="naive"))
    began = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as lines:
        for _, row in zip(range(rows), csv.DictReader(lines), strict=False):
            validate_email(row["email"])
            names = [name for name in row["tags"].split(", ") if name]
            tags = [Tag.objects.get_or_create(slug=name, defaults={"name": name})[0].pk for name in names]
            own = ("first_name", "last_name", "language", "country", "timezone")
            keys = ("city", "phone", "birthday", "plan", "source", "score", "spent", "signed_up")
            Contact.objects.get_or_create(
                email_key=row["email"].lower(),
                defaults={
                    "email": row["email"],
                    "tags": sorted(tags),
                    "attributes": {key: row[key] for key in keys},
                    **{name: row[name] for name in own},
                },
            )
    return rows / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
