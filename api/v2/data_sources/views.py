"""Data sources: made, listed, changed, removed."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.data_sources.base import SourceView, source_of
from api.v2.data_sources.serializers import SourceAnswer, SourceBody, SourceChanges, source_fields
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from contacts.models import DataSource
from contacts.sources.counting import contact_counts
from contacts.sources.managing import create_source, delete_source, update_source

_TAGS = ["Data sources"]
_DEFAULT_LIMIT = 500
_SCRAPER = OpenApiExample(
    "Scraper-Pro",
    request_only=True,
    value={
        "name": "Scraper-Pro France",
        "type": "scraper-pro",
        "config": {
            "url": "https://scraper.example.com/api/contacts",
            "auth": {"kind": "bearer", "secret": "the token"},
            "defaults": {"tags": ["scraped"], "country": "FR"},
            "interval_minutes": 60,
        },
    },
)
_BY_HAND = OpenApiExample("By hand", request_only=True, value={"name": "Business cards", "type": "manual"})
_SWITCHED_OFF = OpenApiExample("Switched off", request_only=True, value={"is_active": False})


class SourcesView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="data_sources_create",
        summary="Make a data source",
        description=(
            "scraper-pro and backlink-engine are HTTP sources that answer in JSON; what their config leaves out is "
            "taken from the type's usual values. csv takes files as imports, or from a URL. manual is a name for "
            "contacts that come in by hand.\n\n"
            "A secret is never shown again, and is forgotten when the host or the kind of authentication changes."
        ),
        tags=_TAGS,
        request=SourceBody,
        responses={201: SourceAnswer, **errors(409, body=True)},
        examples=[_BY_HAND, _SCRAPER],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(SourceBody)
        config, secret = _apart(values.get("config", {}))
        source = create_source(
            name=values["name"],
            type=values["type"],
            config=config,
            secret=secret or "",
            is_active=values.get("is_active", True),
        )
        return Response(source_fields(source, tenant_id=self.tenant.pk, contact_count=0), status=201)


class SourceListView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="data_sources_list",
        summary="List data sources",
        description="The latest first, with how many contacts came from each. `X-Next-Cursor` says where the next page begins.",
        tags=_TAGS,
        parameters=[
            OpenApiParameter("limit", int, description="1 to 500; left out, 500"),
            OpenApiParameter("cursor", str),
            OpenApiParameter("X-Next-Cursor", str, OpenApiParameter.HEADER, response=[200]),
        ],
        responses={200: SourceAnswer(many=True), **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit, before = limit_of(request, default=_DEFAULT_LIMIT), cursor_of(request)
        found = DataSource.objects.order_by("-id")
        if before is not None:
            found = found.filter(pk__lt=before)
        shown, cursor = page_of(list(found[: limit + 1]), limit=limit)
        counts = contact_counts(source.pk for source in shown)
        rows = [source_fields(source, tenant_id=self.tenant.pk, contact_count=counts[source.pk]) for source in shown]
        return Response(rows, headers={"X-Next-Cursor": cursor} if cursor else {})


class SourceItemView(SourceView):
    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "contacts", "DELETE": "contacts"}

    @extend_schema(
        operation_id="data_sources_get",
        summary="Get a data source",
        tags=_TAGS,
        responses={200: SourceAnswer, **errors()},
    )
    def get(self, request: Request, tenant_id: int, source_id: int) -> Response:
        return self._shown(source_of(source_id))

    @extend_schema(
        operation_id="data_sources_update",
        summary="Change a data source",
        description=(
            "What is left out stays as it is; the type cannot be changed. The config cannot be changed while a sync "
            "runs: 409. A change of the URL or of since_… makes the next sync ask for everything."
        ),
        tags=_TAGS,
        request=SourceChanges,
        responses={200: SourceAnswer, **errors(409, body=True)},
        examples=[_SWITCHED_OFF],
    )
    def put(self, request: Request, tenant_id: int, source_id: int) -> Response:
        source_of(source_id)
        values = self.checked(SourceChanges)
        config, secret = _apart(values["config"]) if "config" in values else (None, None)
        return self._shown(
            update_source(
                source_id,
                name=values.get("name"),
                config=config,
                secret=secret,
                is_active=values.get("is_active"),
            )
        )

    @extend_schema(
        operation_id="data_sources_delete",
        summary="Delete a data source",
        description="With its runs. 409 while contacts came from it, or while it is being synced.",
        tags=_TAGS,
        responses={204: OpenApiResponse(description="It is gone."), **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, source_id: int) -> Response:
        source_of(source_id)
        delete_source(source_id)
        return Response(status=204)

    def _shown(self, source: DataSource) -> Response:
        count = contact_counts([source.pk])[source.pk]
        return Response(source_fields(source, tenant_id=self.tenant.pk, contact_count=count))


def _apart(config: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The config without the secret, and the secret."""
    auth = dict(config.get("auth", {}))
    secret = auth.pop("secret", None)
    return ({**config, "auth": auth} if "auth" in config else config), secret
