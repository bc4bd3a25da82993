"""Syncs of data sources: begun, tried, followed."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.ledger.answering import Outside
from api.v2.data_sources.base import SourceView, source_of
from api.v2.data_sources.serializers import (
    RunDetail,
    RunPage,
    SyncAnswer,
    SyncBody,
    TrialAnswer,
    run_fields,
    trial_fields,
)
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from common.errors import NotFound
from contacts.models import SourceRun
from contacts.sources.requesting import request_sync
from contacts.sources.trying import try_source

_TAGS = ["Data sources"]
_CHANGED = OpenApiExample("What changed since the last sync", request_only=True, value={"force": False})


class SourceSyncView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="data_sources_sync",
        summary="Sync a data source",
        description=(
            "A worker begins at once; `/runs` tells how far it is. Asked for is what changed since the last sync, or "
            "what a failed one did not reach; with `force` everything. 409 while a sync waits or runs, and for a "
            "source that has no URL or is switched off."
        ),
        tags=_TAGS,
        request=SyncBody,
        responses={200: SyncAnswer, **errors(409, body=True)},
        examples=[_CHANGED],
    )
    def post(self, request: Request, tenant_id: int, source_id: int) -> Response:
        source = source_of(source_id)
        request_sync(source, force=self.checked(SyncBody).get("force", False))
        return Response(
            {
                "success": True,
                "message": f"Sync triggered for {source.name}",
                "source_id": source.pk,
                "type": source.type,
            }
        )


class SourceTestView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}
    # The source has ten seconds to answer. It is only read, so nothing is ever in the way of reading it again.
    outside = Outside(at_most=60, look="Nothing was written: try it again with a new key.")

    @extend_schema(
        operation_id="data_sources_test",
        summary="Try a data source",
        description="Reads its first page and shows five items as they would come in. Nothing is written.",
        tags=_TAGS,
        request=None,
        responses={200: TrialAnswer, **errors(409, body=True)},
    )
    def post(self, request: Request, tenant_id: int, source_id: int) -> Response:
        return Response(trial_fields(try_source(source_of(source_id))))


class SourceRunsView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="data_sources_runs_list",
        summary="List the syncs of a data source",
        description="The latest first.",
        tags=_TAGS,
        parameters=[
            OpenApiParameter("limit", int, description="1 to 500; left out, 50"),
            OpenApiParameter("cursor", str),
        ],
        responses={200: RunPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int, source_id: int) -> Response:
        limit, before = limit_of(request), cursor_of(request)
        found = SourceRun.objects.filter(source=source_of(source_id)).order_by("-id").defer("rejects", "notes")
        if before is not None:
            found = found.filter(pk__lt=before)
        shown, cursor = page_of(list(found[: limit + 1]), limit=limit)
        items = [run_fields(run, tenant_id=self.tenant.pk) for run in shown]
        return Response({"items": items, "next_cursor": cursor})


class SourceRunView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="data_sources_runs_get",
        summary="Get a sync",
        tags=_TAGS,
        responses={200: RunDetail, **errors()},
    )
    def get(self, request: Request, tenant_id: int, source_id: int, run_id: int) -> Response:
        run = SourceRun.objects.filter(pk=run_id, source_id=source_id).first()
        if run is None:
            raise NotFound("There is no such sync.", field="run_id")
        more = {"rejects": run.rejects, "notes": run.notes}
        return Response({**run_fields(run, tenant_id=self.tenant.pk), **more})
