"""What is in a segment: its size, its contacts, and what a tree would give before it is saved."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.contacts.rendering import contact_bodies
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.segments.serializers import SegmentContacts, SegmentSize, TreeBody, TriedAnswer
from api.v2.segments.views import EXAMPLE_TREE, PAGING, TAGS
from api.v2.views import V2View
from campaigns.behaviour import campaign_behaviour
from contacts.services.segments import contacts_of_segment, count_segment, get_segment, try_tree


class SegmentTryView(V2View):
    """Conditions that nobody saved yet."""

    scopes: ClassVar[dict[str, str]] = {"POST": "read"}

    @extend_schema(
        operation_id="segments_try",
        summary="Try conditions",
        description="Counts them and shows the newest 20 contacts; nothing is saved. 503 when that takes more than 5 seconds.",
        tags=TAGS,
        request=TreeBody,
        responses={200: TriedAnswer, **errors(body=True)},
        examples=[OpenApiExample("Sleepers", {"tree": EXAMPLE_TREE}, request_only=True)],
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        tried = try_tree(tree=self.checked(TreeBody)["tree"], behaviour=campaign_behaviour)
        sample = [
            {
                "id": contact.pk,
                "email": contact.email,
                "first_name": contact.first_name,
                "last_name": contact.last_name,
                "language": contact.language,
                "country": contact.country,
                "status": contact.status,
            }
            for contact in tried.sample
        ]
        size = {"count": tried.size.matching, "mailable": tried.size.mailable}
        return Response({**size, "sample": sample, "took_ms": tried.took_ms})


class SegmentCountView(V2View):
    """The size of a segment."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="segments_count",
        summary="Count a segment",
        description="As of now; the segment remembers it. 422 where it names a tag, attribute or campaign that is gone.",
        tags=TAGS,
        responses={200: SegmentSize, **errors()},
    )
    def get(self, request: Request, tenant_id: int, segment_id: int) -> Response:
        segment = count_segment(segment=get_segment(segment_id), behaviour=campaign_behaviour)
        return Response(
            {
                "segment_id": segment.pk,
                "tenant_id": self.tenant.pk,
                "count": segment.last_count,
                "mailable": segment.last_mailable,
                "counted_at": segment.counted_at,
            }
        )


class SegmentContactsView(V2View):
    """The contacts of a segment."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="segments_contacts",
        summary="List a segment's contacts",
        description="The newest first, whether they may be mailed or not.",
        tags=TAGS,
        parameters=PAGING,
        responses={200: SegmentContacts, **errors()},
    )
    def get(self, request: Request, tenant_id: int, segment_id: int) -> Response:
        limit = limit_of(request)
        found = contacts_of_segment(
            segment=get_segment(segment_id),
            behaviour=campaign_behaviour,
            limit=limit + 1,
            before=cursor_of(request),
        )
        rows, following = page_of(found, limit=limit)
        return Response({"items": contact_bodies(rows, self.tenant.pk), "next_cursor": following})
