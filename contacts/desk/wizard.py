"""Bringing contacts in, step by step: the file, what its columns mean, and off it goes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from common.errors import LettershopError
from contacts.desk.columns import ColumnChoice, chosen_mapping, column_choices
from contacts.importing.decoding import examine
from contacts.importing.layout import Layout, sniff_layout
from contacts.importing.plan import Plan, make_plan
from contacts.importing.refusals import NoAddressColumn
from contacts.importing.tag_lists import tags_in_cell
from contacts.models import Import, Tag
from contacts.services.imports import begin_import, take_in_file
from tenants.desk.admin import needs
from tenants.desk.forms import ServiceForm

_SAMPLE_ROWS = 6
_NAME_OF_PASTED = "pasted.csv"


class FileForm(ServiceForm):
    """The first step."""

    file = forms.FileField(required=False, widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}))
    pasted = forms.CharField(required=False, strip=False, widget=forms.Textarea)
    field_of_refusal = {"file": "file"}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("file") and not data.get("pasted", "").strip() and not self.errors:
            self.add_error("file", "Choose a file, or paste addresses into the field below.")
        return data

    def pieces(self) -> tuple[Iterable[bytes], str]:
        """The bytes, and what the file is called."""
        file = self.cleaned_data["file"]
        if file:
            return file.chunks(), str(file.name)
        return [self.cleaned_data["pasted"].encode()], _NAME_OF_PASTED


class SettingsForm(ServiceForm):
    """What the second step asks beside the columns."""

    mode = forms.ChoiceField(choices=Import.Mode.choices, widget=forms.RadioSelect, initial=Import.Mode.UPDATE)
    tags = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    new_tags = forms.CharField(required=False, widget=forms.TextInput(attrs={"class": "desk-input"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tags"].choices = list(Tag.objects.values_list("slug", "name"))  # type: ignore[attr-defined]

    def all_tags(self) -> list[str]:
        names = dict(self.fields["tags"].choices)  # type: ignore[attr-defined]
        return [*(names[slug] for slug in self.cleaned_data["tags"]), *tags_in_cell(self.cleaned_data["new_tags"])]


@needs("contacts.add_import", "GET", "POST")
def file_page(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """Take the file in; refusals are told here, in words about the file."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        pieces, name = form.pieces()
        try:
            run = take_in_file(pieces=pieces, file_name=name, mode=Import.Mode.UPDATE, tags=())
        except LettershopError as error:
            form.add_error("pasted" if name == _NAME_OF_PASTED else "file", str(error))
        else:
            return redirect("admin:contacts_import_columns", run.pk)
    page: HttpResponse = model_admin.render_page(request, "desk/import_file.html", title="Import contacts", form=form)
    return page


@needs("contacts.add_import", "GET", "POST")
def columns_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Show what was understood, let a person correct it, and begin."""
    run = get_object_or_404(Import, pk=pk)
    if run.state != Import.State.WAITING or not Path(run.path).is_file():
        return redirect("admin:contacts_import_change", pk)
    layout = sniff_layout(examine(Path(run.path)))
    plan, problem = _understood(layout, run)
    choices = column_choices(layout, plan, request.POST or None)
    form = SettingsForm(request.POST or None, initial={"mode": run.mode})
    if request.method == "POST" and form.is_valid():
        try:
            begin_import(run, mapping=chosen_mapping(choices), mode=form.cleaned_data["mode"], tags=form.all_tags())
        except LettershopError as error:
            problem = error
        else:
            messages.success(request, "The import is on its way. You may leave this page: it goes on without you.")
            return redirect("admin:contacts_import_change", pk)
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/import_columns.html",
        title="What do the columns mean?",
        run=run,
        form=form,
        layout=layout,
        columns=choices,
        rows=_sample(layout, choices),
        problem=problem,
    )
    return page


def _understood(layout: Layout, run: Import) -> tuple[Plan | None, LettershopError | None]:
    """What the columns seem to be; without an address column a person must say which one it is."""
    try:
        return make_plan(layout, run.mapping), None
    except NoAddressColumn as refusal:
        return None, refusal


def _sample(layout: Layout, columns: list[ColumnChoice]) -> list[list[str]]:
    width = len(columns)
    return [[*row[:width], *[""] * (width - len(row))] for row in layout.sample[:_SAMPLE_ROWS]]
