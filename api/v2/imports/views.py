"""Imports of files: taken in, confirmed, watched, stopped, resumed, forgotten."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.contacts.views import PAGING, source_of
from api.v2.documentation import errors
from api.v2.imports.serializers import (
    ImportBody,
    ImportPage,
    ImportSettings,
    NewImport,
    RejectPage,
    UploadForm,
    import_body,
)
from api.v2.imports.uploading import UploadParser
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.views import V2View
from common.errors import Conflict, InvalidInput, NotFound
from contacts.importing.refusals import FileRefused
from contacts.importing.rejects import rejects_csv
from contacts.models import Import
from contacts.services.imports import (
    LARGEST_FILE,
    begin_import,
    delete_import,
    is_queued,
    queued_imports,
    resume_import,
    stop_import,
    take_in_file,
)
from tenants.desk.streaming import csv_download

TAGS = ["Imports"]
_FORM_AROUND = 1024 * 1024  # bytes of an upload that are not the file


class ImportView(V2View):
    """What the views of one import share."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "contacts", "DELETE": "contacts"}

    def handle_exception(self, exc: Exception) -> Any:
        """A file that cannot be imported is input that cannot be used, and keeps its own code."""
        if isinstance(exc, FileRefused):
            told = InvalidInput(exc.message, field=exc.field, hint=exc.hint)
            told.code = exc.code
            exc = told
        return super().handle_exception(exc)

    def found(self, import_id: int) -> Import:
        """Raises NotFound."""
        run = Import.objects.select_related("source").filter(pk=import_id).first()
        if run is None:
            raise NotFound(f"There is no import {import_id}.")
        return run

    def answer(self, run: Import, status: int = 200) -> Response:
        """The import as it is now."""
        run.refresh_from_db()
        return Response(import_body(run, self.tenant.pk, queued=is_queued(run.pk)), status=status)


class ImportsView(ImportView):
    """The collection."""

    parser_classes: ClassVar[list[Any]] = [UploadParser]
    largest_body = LARGEST_FILE + _FORM_AROUND
    wanted = "a form (multipart/form-data) that has the file in its field “file”, as curl -F file=@contacts.csv does"

    @extend_schema(
        operation_id="imports_create",
        summary="Upload a file of contacts",
        description=(
            "Nothing is imported yet: the answer tells the columns and what they are taken for. Confirm or correct it with "
            "`run`.\n\n`curl -H 'X-API-Key: …' -F file=@contacts.csv -F tags=spring_fair …/api/v2/imports`"
        ),
        tags=TAGS,
        request={"multipart/form-data": UploadForm},
        responses={201: ImportBody, **errors(body=True)},
    )
    def post(self, request: Request) -> Response:
        values = self.checked(NewImport)
        file = request.FILES.get("file")
        if file is None:
            raise InvalidInput("The form has no file.", field="file")
        run = take_in_file(
            pieces=file.chunks(),
            file_name=file.name or "contacts.csv",
            mode=values.get("mode", Import.Mode.UPDATE),
            tags=values.get("tags", ()),
            mapping=values.get("mapping"),
            source=source_of(values),
        )
        return self.answer(run, 201)


class ImportListView(ImportView):
    """The list."""

    @extend_schema(
        operation_id="imports_list",
        summary="List imports",
        tags=TAGS,
        parameters=PAGING,
        responses={200: ImportPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit, cursor = limit_of(request), cursor_of(request)
        found = Import.objects.order_by("-pk")
        if cursor is not None:
            found = found.filter(pk__lt=cursor)
        page, following = page_of(list(found[: limit + 1]), limit=limit)
        queued = queued_imports()
        items = [import_body(run, self.tenant.pk, queued=run.pk in queued) for run in page]
        return Response({"items": items, "next_cursor": following})


class ImportItemView(ImportView):
    """One import."""

    @extend_schema(
        operation_id="imports_get", summary="Watch an import", tags=TAGS, responses={200: ImportBody, **errors()}
    )
    def get(self, request: Request, tenant_id: int, import_id: int) -> Response:
        return self.answer(self.found(import_id))

    @extend_schema(
        operation_id="imports_delete",
        summary="Forget an import",
        description="Its refused rows and its file go; the contacts it brought stay. 409 while it runs.",
        tags=TAGS,
        responses={204: None, **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, import_id: int) -> Response:
        delete_import(self.found(import_id))
        return Response(status=204)


class ImportRunView(ImportView):
    """An import set going."""

    @extend_schema(
        operation_id="imports_run",
        summary="Run an import",
        description="With a person's word on the columns, where it differs from what was found. 409 once it has begun.",
        tags=TAGS,
        request=ImportSettings,
        responses={200: ImportBody, **errors(409, body=True)},
        examples=[OpenApiExample("As found", {"mode": "update", "tags": ["spring_fair"]}, request_only=True)],
    )
    def post(self, request: Request, tenant_id: int, import_id: int) -> Response:
        run = self.found(import_id)
        values = self.checked(ImportSettings)
        begin_import(
            run,
            mapping=values.get("mapping", run.mapping),
            mode=values.get("mode", run.mode),
            tags=values.get("tags", run.tags),
            source=source_of(values),
        )
        return self.answer(run)


class ImportResumeView(ImportView):
    """An import that goes on."""

    @extend_schema(
        operation_id="imports_resume",
        summary="Resume an import",
        description="One that failed or was stopped goes on behind the last row that was written. 409 for any other.",
        tags=TAGS,
        request=None,
        responses={200: ImportBody, **errors(409)},
    )
    def post(self, request: Request, tenant_id: int, import_id: int) -> Response:
        run = self.found(import_id)
        if run.state not in (Import.State.FAILED, Import.State.RUNNING):
            raise Conflict(f"This import is {run.state}.", hint="One that waits is begun with run.")
        resume_import(run)
        return self.answer(run)


class ImportStopView(ImportView):
    """An import that is stopped."""

    @extend_schema(
        operation_id="imports_stop",
        summary="Stop an import",
        description="What was written stays; it can be resumed. 409 for one that is not on its way.",
        tags=TAGS,
        request=None,
        responses={200: ImportBody, **errors(409)},
    )
    def post(self, request: Request, tenant_id: int, import_id: int) -> Response:
        run = self.found(import_id)
        stop_import(run)
        return self.answer(run)


class ImportRejectsView(ImportView):
    """The rows that were not imported."""

    @extend_schema(
        operation_id="imports_rejects",
        summary="Rows that were not imported",
        description=(
            "In pages, or as a CSV file (`format=csv`) under the file's own headings: it can be corrected and imported as it is."
        ),
        tags=TAGS,
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"], description="json when left out"), *PAGING],
        responses={
            (200, "application/json"): RejectPage,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="Line, reason, and the row as it stood."),
            **errors(),
        },
    )
    def get(self, request: Request, tenant_id: int, import_id: int) -> Response:
        run = self.found(import_id)
        kind = request.query_params.get("format") or "json"
        if kind not in ("json", "csv"):
            raise InvalidInput("The format is json or csv.", field="format")
        if kind == "csv":
            name = run.file_name.rpartition(".")[0] or run.file_name
            return csv_download(rejects_csv(run), name=f"{name}-not-imported")
        limit = limit_of(request)
        found = run.rejects.filter(line__gt=cursor_of(request) or 0).order_by("line")
        page, following = page_of(list(found[: limit + 1]), limit=limit, id_of=lambda reject: reject.line)
        items = [{"line": reject.line, "reason": reject.reason, "cells": reject.cells} for reject in page]
        return Response({"items": items, "next_cursor": following})
