"""Segments: made, listed, changed, removed."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.segments.serializers import NewSegment, SegmentBody, SegmentChanges, SegmentPage, segment_body
from api.v2.views import V2View
from campaigns.behaviour import campaign_behaviour
from contacts.services.segments import (
    create_segment,
    delete_segment,
    get_segment,
    list_segments,
    update_segment,
)

TAGS = ["Segments"]
PAGING = [
    OpenApiParameter("limit", int, description="1 to 500; 50 when left out"),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before"),
]
EXAMPLE_TREE = {
    "all": [
        {"field": "language", "in": ["fr", "en"]},
        {"field": "status", "is_not": "unconfirmed"},
        {"not": {"opened": {"campaign_id": None, "within_days": 30}}},
    ]
}
_CONDITIONS = (
    'A tree: `{"all": […]}`, `{"any": […]}` and `{"not": …}`, up to 10 deep, around up to 100 conditions. '
    'A tag: `{"tag": "vip"}`. An attribute with one comparison: `{"attribute": "city", "is": "Paris"}`; by its type `is`, '
    "`is_not`, `in` (a list), `contains`, `starts_with` (text), `above`, `below`, `between` (a list of two; numbers), `before`, "
    "`after`, `between`, `within_days` (dates, in UTC: today and so many days before it), `known`, `unknown` (true). "
    "A field of every contact: `language` (with its regions), `country`, `timezone`, `status`, `email_domain`, `created_at`, "
    '`source` (its name), `first_name`, `last_name`. What happened: `{"opened": {"campaign_id": 5, "within_days": 30}}`, '
    "likewise `clicked` (with `link`, a URL), `received`, `bounced`; null or nothing is any campaign, any time. "
    "Opened and clicked by people: what privacy proxies, scanners and robots do is nobody's behaviour. "
    "Where a contact has no value, only `is_not` and `unknown` hold."
)


class SegmentsView(V2View):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="segments_create",
        summary="Make a segment",
        description=f"{_CONDITIONS} 409 when the name is taken.",
        tags=TAGS,
        request=NewSegment,
        responses={201: SegmentBody, **errors(409, body=True)},
        examples=[OpenApiExample("Sleepers", {"name": "Sleepers", "tree": EXAMPLE_TREE}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(NewSegment)
        segment = create_segment(
            name=values["name"],
            description=values.get("description", ""),
            tree=values["tree"],
            behaviour=campaign_behaviour,
        )
        return Response(segment_body(segment, self.tenant.pk), status=201)


class SegmentListView(V2View):
    """The list."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="segments_list",
        summary="List segments",
        description="The newest first, each with the size it had when it was last counted.",
        tags=TAGS,
        parameters=PAGING,
        responses={200: SegmentPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit = limit_of(request)
        rows, following = page_of(list_segments(limit=limit + 1, before=cursor_of(request)), limit=limit)
        return Response({"items": [segment_body(row, self.tenant.pk) for row in rows], "next_cursor": following})


class SegmentView(V2View):
    """One segment."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "contacts", "DELETE": "contacts"}

    @extend_schema(
        operation_id="segments_get",
        summary="Get a segment",
        tags=TAGS,
        responses={200: SegmentBody, **errors()},
    )
    def get(self, request: Request, tenant_id: int, segment_id: int) -> Response:
        return Response(segment_body(get_segment(segment_id), self.tenant.pk))

    @extend_schema(
        operation_id="segments_update",
        summary="Change a segment",
        description="What is left out stays. Campaigns aimed at it that were not begun yet are sent to what it is then.",
        tags=TAGS,
        request=SegmentChanges,
        responses={200: SegmentBody, **errors(409, body=True)},
        examples=[OpenApiExample("Another name", {"name": "Sleeping beauties"}, request_only=True)],
    )
    def put(self, request: Request, tenant_id: int, segment_id: int) -> Response:
        segment = get_segment(segment_id)
        values = self.checked(SegmentChanges)
        changed = update_segment(
            segment=segment,
            name=values.get("name"),
            description=values.get("description"),
            tree=values.get("tree"),
            behaviour=campaign_behaviour,
        )
        return Response(segment_body(changed, self.tenant.pk))

    @extend_schema(
        operation_id="segments_delete",
        summary="Remove a segment",
        description="Its contacts stay. 409 while a campaign, sent or not, is aimed at it.",
        tags=TAGS,
        responses={204: None, **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, segment_id: int) -> Response:
        delete_segment(segment=get_segment(segment_id))
        return Response(status=204)
