"""All contacts that meet a filter, as a file that is written while it is read."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from api.v2.contacts.filters import FILTERS, filter_of_query
from api.v2.contacts.rendering import contact_body
from api.v2.contacts.views import TAGS
from api.v2.documentation import errors
from api.v2.views import V2View
from common.errors import InvalidInput
from contacts.models import Contact
from contacts.services.exporting import contact_pages, contacts_csv
from contacts.services.searching import find_contacts
from tenants.models import Tenant
from tenants.scope import tenant_scope

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class ExportView(V2View):
    """The download."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="contacts_export",
        summary="Download contacts",
        description=(
            "All of them, or those that meet a filter, in the order of their ids. In CSV every attribute has a column, and "
            "cells that a spreadsheet would run as formulas begin with an apostrophe; JSON lines hold what the API answers."
        ),
        tags=TAGS,
        parameters=[*FILTERS, OpenApiParameter("format", str, enum=list(_TYPES), description="csv when left out")],
        responses={
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, description="A heading, then a line for each contact."
            ),
            (200, "application/jsonl"): OpenApiResponse(OpenApiTypes.STR, description="A contact in each line."),
            **errors(),
        },
    )
    def get(self, request: Request, tenant_id: int) -> StreamingHttpResponse:
        kind = request.query_params.get("format") or "csv"
        if kind not in _TYPES:
            raise InvalidInput("The format is csv or jsonl.", field="format")
        found = find_contacts(filter_of_query(request))
        lines = contacts_csv(found) if kind == "csv" else _json_lines(found, self.tenant.pk)
        return StreamingHttpResponse(
            _inside(self.tenant, lines),
            content_type=_TYPES[kind],
            headers={"Content-Disposition": f'attachment; filename="contacts.{kind}"'},
        )


def _json_lines(contacts: "QuerySet[Contact]", tenant_id: int) -> Iterator[str]:
    for page, slugs in contact_pages(contacts):
        bodies: Iterable[dict[str, Any]] = (contact_body(contact, tenant_id, slugs) for contact in page)
        yield "".join(json.dumps(body, ensure_ascii=False, cls=JSONEncoder) + "\n" for body in bodies)


def _inside(tenant: Tenant, lines: Iterable[str]) -> Iterator[str]:
    """The tenant was left when the answer began: it is entered again while lines are read."""
    with tenant_scope(tenant):
        yield from lines
