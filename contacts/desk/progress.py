"""Watching an import, and what became of it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from common.database import connection
from common.errors import LettershopError
from contacts.importing.rejects import rejects_csv
from contacts.importing.tag_ids import tag_slug
from contacts.models import Import
from contacts.services.imports import TASK, resume_import
from tenants.desk.admin import needs, tell_refusal
from tenants.desk.streaming import csv_download
from tenants.models import DueWork

_SHOWN_REJECTS = 25


@dataclass(frozen=True, slots=True)
class Outcome:
    """One kind of row: what became of it, how many, in which colour, and what that means."""

    label: str
    count: int
    colour: str
    meaning: str
    share: float


@needs("contacts.view_import")
def import_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """How far it is, or how it went."""
    run = get_object_or_404(Import, pk=pk)
    page: HttpResponse = model_admin.render_page(request, "desk/import.html", title=run.file_name, **_shown(run))
    return page


@needs("contacts.view_import")
def progress_fragment(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """The part of the page that changes, asked for every second while the import runs."""
    return TemplateResponse(request, "desk/import_progress.html", _shown(get_object_or_404(Import, pk=pk)))


@needs("contacts.change_import", "POST")
def resume(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Go on with an import that stopped."""
    try:
        resume_import(get_object_or_404(Import, pk=pk))
        messages.success(request, "The import goes on where it stopped.")
    except LettershopError as error:
        tell_refusal(request, error)
    return redirect("admin:contacts_import_change", pk)


@needs("contacts.view_import")
def rejects_file(request: HttpRequest, *, model_admin: Any, pk: int) -> StreamingHttpResponse:
    """The rows that were not imported, as a CSV file to correct and import again."""
    run = get_object_or_404(Import, pk=pk)
    return csv_download(rejects_csv(run), name=f"{run.file_name.rpartition('.')[0] or run.file_name}-not-imported")


def _shown(run: Import) -> dict[str, Any]:
    queued = run.state == Import.State.WAITING and _is_queued(run.pk)
    moving = queued or run.state == Import.State.RUNNING
    return {
        "run": run,
        "queued": queued,
        "moving": moving,
        "share": min(1.0, run.position / run.size) if run.size and run.line else 0.0,
        "outcomes": outcomes(run),
        "not_imported": run.invalid + run.duplicates,
        "tags": [(tag, tag_slug(tag)) for tag in run.tags],
        "rejects": [] if moving else run.rejects.all()[:_SHOWN_REJECTS],
    }


def outcomes(run: Import) -> list[Outcome]:
    """What became of the rows, in words; shares are of all rows."""
    suppressing = run.mode == Import.Mode.SUPPRESS
    kinds = (
        ("New on the suppression list" if suppressing else "New contacts", run.created, "opened", ""),
        ("Updated", run.updated, "sent", "Contacts you had already, with something new in the file."),
        ("Unchanged", run.unchanged, "other", "Nothing in the file was new."),
        ("Repeated in the file", run.duplicates, "left", "The same address stood in an earlier line."),
        ("Not an address", run.invalid, "bounced", "What stood there cannot be mailed."),
    )
    total = max(1, run.rows_total)
    return [Outcome(label, count, colour, meaning, count / total) for label, count, colour, meaning in kinds]


def _is_queued(run_id: int) -> bool:
    return DueWork.objects.filter(schema=connection.schema_name, task=TASK, reference=run_id).exists()
