"""manage.py import_contacts FILE --tenant SLUG [--tag T …] [--map "First Name=first_name" …] [--mode …] [--resume ID]"""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import InvalidInput
from common.progress import Progress
from contacts.importing.pipeline import Step, create_import, run_import
from contacts.importing.rejects import rejects_csv
from contacts.models import DataSource, Import
from tenants.management.base import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Import contacts from a CSV file, however it was made. Exits 1 with one sentence when the file is refused."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
        parser.add_argument("--tag", action="append", default=[], help="put this tag on every contact; may be repeated")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADING=FIELD",
            dest="mapping",
            help="what a column is: email, first_name, …, a key of your own, or skip; may be repeated",
        )
        parser.add_argument("--mode", choices=Import.Mode.values, default=Import.Mode.UPDATE.value)
        parser.add_argument("--source", metavar="NAME", help="the data source the contacts come from")
        parser.add_argument("--resume", type=int, metavar="ID", help="go on with an import that was interrupted")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="write the rows that were not imported there")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        run_id = options["resume"] or self._create(options)
        with Progress("Reading", unit="bytes", stream=self.stderr) as bar:
            run = run_import(run_id, progress=lambda step: _show(bar, step))
        if options["rejects"]:
            with options["rejects"].open("w", encoding="utf-8-sig", newline="") as out:
                out.writelines(rejects_csv(run))
        return _answer(run, tenant, time.monotonic() - began)

    def _create(self, options: Mapping[str, Any]) -> int:
        if options["file"] is None:
            raise InvalidInput("Say which file to import, or --resume an import.", field="file")
        source = None
        if options["source"]:
            source, _ = DataSource.objects.get_or_create(name=options["source"])
        return create_import(
            path=options["file"],
            mode=options["mode"],
            tags=options["tag"],
            mapping=dict(_pair(text) for text in options["mapping"]),
            source=source,
        ).pk

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        lines = [
            f"{answer['file']} into {answer['tenant']}: {answer['state']}, import {answer['import']}",
            "",
            f"{answer['rows_total']:>10,}  rows in {answer['seconds']:.1f} s",
            f"{answer['created']:>10,}  created",
            f"{answer['updated']:>10,}  updated",
            f"{answer['unchanged']:>10,}  unchanged",
            f"{answer['duplicates']:>10,}  not imported: the address stands in the file twice",
            f"{answer['invalid']:>10,}  not imported: no valid address",
        ]
        if answer["suppressed"]:
            lines.append(f"{answer['suppressed']:>10,}  of the contacts must not be mailed")
        for note in answer["warnings"]:
            example = f" For instance: {note['example']!r}." if note["example"] else ""
            lines.append(f"Note: {note['message']} {note['count']:,} times, first in line {note['line']}.{example}")
        return lines


def _show(bar: Progress, step: Step) -> None:
    bar.label = "Reading" if step.surveying else "Importing"
    bar.update(step.done_bytes, step.total_bytes)


def _pair(text: str) -> tuple[str, str]:
    heading, found, field = text.rpartition("=")
    if not found or not heading.strip():
        raise InvalidInput(f"{text!r} is not HEADING=FIELD.", field="map", hint='For instance: "Vorname=first_name".')
    return heading, field


def _answer(run: Import, tenant: Tenant, seconds: float) -> dict[str, Any]:
    return {
        "import": run.pk,
        "tenant": tenant.slug,
        "file": run.file_name,
        "state": run.state,
        "mode": run.mode,
        "rows_total": run.rows_total,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "duplicates": run.duplicates,
        "invalid": run.invalid,
        "suppressed": run.suppressed,
        "warnings": run.warnings,
        "seconds": round(seconds, 3),
    }
