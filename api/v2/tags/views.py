"""V7 to V11: tags with the number of their contacts."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.documentation import errors
from api.v2.lists import LARGEST_LIMIT, cursor_of, limit_of, page_of
from api.v2.tags.serializers import NewTag, TagBody, TagChanges
from api.v2.views import V2View
from campaigns.services.aiming import remove_tag
from common.errors import InvalidInput, NotFound
from contacts.models import Tag
from contacts.services.tagging import create_tag, update_tag
from contacts.targeting import tag_counts

TAGS = ["Tags"]


class TagsView(V2View):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="tags_create",
        summary="Make a tag",
        description="409 when there is one with this slug.",
        tags=TAGS,
        request=NewTag,
        responses={201: TagBody, **errors(409, body=True)},
        examples=[
            OpenApiExample(
                "A tag",
                {"slug": "real_estate", "name": "Real Estate", "description": "Real estate professionals"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(NewTag)
        slug = values.get("slug", "")
        tag = create_tag(name=values.get("name") or slug, slug=slug, description=values.get("description", ""))
        return Response(_body(tag, self.tenant.pk, {}), status=201)


class TagListView(V2View):
    """The list."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="tags_list",
        summary="List tags with contact counts",
        description="In the order of their ids. Where there are more, X-Next-Cursor is what `cursor` wants.",
        tags=TAGS,
        parameters=[
            OpenApiParameter("limit", int, description="1 to 500; 500 when left out"),
            OpenApiParameter("cursor", str, description="X-Next-Cursor of the page before"),
            OpenApiParameter("X-Next-Cursor", str, OpenApiParameter.HEADER, response=[200]),
        ],
        responses={200: OpenApiResponse(TagBody(many=True)), **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit = limit_of(request, default=LARGEST_LIMIT)
        tags = Tag.objects.filter(pk__gt=cursor_of(request) or 0).order_by("pk")
        page, following = page_of(list(tags[: limit + 1]), limit=limit)
        counts = tag_counts() if page else {}
        headers = {"X-Next-Cursor": following} if following else {}
        return Response([_body(tag, self.tenant.pk, counts) for tag in page], headers=headers)


class TagView(V2View):
    """One tag."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "contacts", "DELETE": "contacts"}

    @extend_schema(operation_id="tags_get", summary="Get a tag", tags=TAGS, responses={200: TagBody, **errors()})
    def get(self, request: Request, tenant_id: int, tag_id: int) -> Response:
        return Response(_body(_tag(tag_id), self.tenant.pk, tag_counts()))

    @extend_schema(
        operation_id="tags_update",
        summary="Change a tag",
        description="Its name and description. The slug stays: campaigns are aimed by it.",
        tags=TAGS,
        request=TagChanges,
        responses={200: TagBody, **errors(body=True)},
        examples=[OpenApiExample("Another name", {"name": "Estate agents"}, request_only=True)],
    )
    def put(self, request: Request, tenant_id: int, tag_id: int) -> Response:
        tag = _tag(tag_id)
        values = self.checked(TagChanges)
        if values.get("slug", tag.slug).strip().lower() != tag.slug:
            raise InvalidInput(
                "A tag keeps its slug.", field="slug", hint="Make another tag, put it on the contacts, delete this one."
            )
        changed = update_tag(tag=tag, name=values.get("name"), description=values.get("description"))
        return Response(_body(changed, self.tenant.pk, tag_counts()))

    @extend_schema(
        operation_id="tags_delete",
        summary="Delete a tag",
        description="It is taken off everybody who has it. 409 while a campaign that is on its way is aimed by it.",
        tags=TAGS,
        responses={204: None, **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, tag_id: int) -> Response:
        remove_tag(tag=_tag(tag_id))
        return Response(status=204)


def _tag(tag_id: int) -> Tag:
    tag = Tag.objects.filter(pk=tag_id).first()
    if tag is None:
        raise NotFound(f"There is no tag {tag_id}.")
    return tag


def _body(tag: Tag, tenant_id: int, counts: Mapping[int, int]) -> dict[str, Any]:
    return {
        "id": tag.pk,
        "tenant_id": tenant_id,
        "slug": tag.slug,
        "name": tag.name,
        "description": tag.description,
        "contact_count": counts.get(tag.pk, 0),
    }
