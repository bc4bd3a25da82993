"""Imports: the list of them; their pages are in contacts/desk."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from unfold.decorators import display

from contacts.desk import progress, wizard
from contacts.models import Import
from tenants.desk.admin import DeskAdmin, View
from tenants.sites import tenant_site


@admin.register(Import, site=tenant_site)
class ImportAdmin(DeskAdmin):
    """What was brought in, and how it went."""

    heading = "Imports"
    add_label = "Import contacts"
    list_display = ("file_name", "mode_word", "state_label", "rows", "new", "rejected", "started_at")
    search_fields = ("file_name",)
    sortable_by = ()
    actions = None
    empty_text = (
        "Bring your contacts in from a CSV file, whatever program it comes from. You see what each column means "
        "before anything is changed."
    )

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("<int:pk>/columns/", "contacts_import_columns", wizard.columns_page),
            ("<int:pk>/progress/", "contacts_import_progress", progress.progress_fragment),
            ("<int:pk>/resume/", "contacts_import_resume", progress.resume),
            ("<int:pk>/rejects.csv", "contacts_import_rejects", progress.rejects_file),
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponseBase:
        return wizard.file_page(request, model_admin=self)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        if not object_id.isdigit():
            return redirect("admin:contacts_import_changelist")
        return progress.import_page(request, model_admin=self, pk=int(object_id))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """What was imported stays known."""
        return False

    @display(description="Kind")
    def mode_word(self, run: Import) -> str:
        return Import.Mode(run.mode).label.partition(":")[0]

    @display(
        description="State",
        label={"waiting": "warning", "running": "info", "finished": "success", "refused": "danger", "failed": "danger"},
    )
    def state_label(self, run: Import) -> tuple[str, str]:
        return run.state, run.state

    @display(description="Rows")
    def rows(self, run: Import) -> str:
        return f"{run.rows_total:,}" if run.rows_total else "–"

    @display(description="New")
    def new(self, run: Import) -> str:
        return f"{run.created:,}"

    @display(description="Not imported")
    def rejected(self, run: Import) -> str:
        return f"{run.invalid + run.duplicates:,}"
