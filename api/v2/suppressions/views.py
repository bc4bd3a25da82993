"""Who is not mailed: put on the list, looked up, taken off."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.contacts.filters import answer_or_not
from api.v2.contacts.views import PAGING
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.suppressions.serializers import (
    CheckAnswer,
    NewSuppressions,
    SuppressedAnswer,
    SuppressionBody,
    SuppressionPage,
)
from api.v2.views import V2View
from common.addresses import parse_address
from common.errors import Conflict, InvalidInput, NotFound
from contacts.models import Suppression, SuppressionReason
from contacts.services.suppressing import find_suppressions, suppress, unsuppress

TAGS = ["Suppressions"]
# They say that an address is dead or its owner angry: whoever mails it again harms all of the tenant's mail.
_GRAVE = (SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT)


class SuppressionsView(V2View):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="suppressions_create",
        summary="Put addresses on the suppression list",
        description="With contacts or without; the contacts' status follows. One address that is none refuses them all.",
        tags=TAGS,
        request=NewSuppressions,
        responses={201: SuppressedAnswer, **errors(body=True)},
        examples=[
            OpenApiExample("One", {"email": "ana@example.com", "note": "asked by phone"}, request_only=True),
            OpenApiExample("Several", {"emails": ["a@example.com", "b@example.com"]}, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(NewSuppressions)
        addresses = [*values.get("emails", ()), *([values["email"]] if "email" in values else ())]
        added = suppress(reason=values["reason"], origin="api", addresses=addresses, note=values.get("note", ""))
        different = len({parse_address(address).key for address in addresses})
        body = {"tenant_id": self.tenant.pk, "reason": values["reason"], "added": added, "known": different - added}
        return Response(body, status=201)


class SuppressionListView(V2View):
    """The list."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="suppressions_list",
        summary="List suppressed addresses",
        tags=TAGS,
        parameters=[
            OpenApiParameter("reason", str, enum=SuppressionReason.values),
            OpenApiParameter("q", str, description="beginning of the address"),
            *PAGING,
        ],
        responses={200: SuppressionPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit, cursor = limit_of(request), cursor_of(request)
        query = request.query_params
        found = find_suppressions(reason=query.get("reason", ""), beginning=query.get("q", ""))
        if cursor is not None:
            found = found.filter(pk__lt=cursor)
        page, following = page_of(list(found.order_by("-pk")[: limit + 1]), limit=limit)
        return Response({"items": [_body(row, self.tenant.pk) for row in page], "next_cursor": following})


class SuppressionCheckView(V2View):
    """One address."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="suppressions_check",
        summary="May this address be mailed?",
        tags=TAGS,
        parameters=[
            OpenApiParameter(
                "email", str, required=True, examples=[OpenApiExample("An address", value="ana@example.com")]
            )
        ],
        responses={200: CheckAnswer, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        try:
            address = parse_address(request.query_params.get("email", ""))
        except InvalidInput as error:
            error.field = "email"
            raise
        found = Suppression.objects.filter(email_key=address.key).order_by("reason")
        reasons = list(found.values_list("reason", flat=True))
        return Response(
            {
                "email": address.text,
                "suppressed": bool(reasons),
                "marketing": not reasons,
                "transactional": not set(reasons) & set(_GRAVE),
                "reasons": reasons,
            }
        )


class SuppressionView(V2View):
    """One entry."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "DELETE": "contacts"}

    @extend_schema(
        operation_id="suppressions_get",
        summary="Get an entry of the suppression list",
        tags=TAGS,
        responses={200: SuppressionBody, **errors()},
    )
    def get(self, request: Request, tenant_id: int, suppression_id: int) -> Response:
        return Response(_body(_entry(suppression_id), self.tenant.pk))

    @extend_schema(
        operation_id="suppressions_delete",
        summary="Take an address off the suppression list",
        description=(
            "For this entry's reason; the contact's status follows what is left. A hard bounce or a complaint is only "
            "removed with `force=true` (else 409) and the scope admin."
        ),
        tags=TAGS,
        parameters=[OpenApiParameter("force", bool, description="also a hard bounce or a complaint")],
        responses={204: None, **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, suppression_id: int) -> Response:
        entry = _entry(suppression_id)
        forced = answer_or_not(request, "force")
        if entry.reason in _GRAVE:
            if not forced:
                raise Conflict(
                    f"{entry.email} stands here for a {SuppressionReason(entry.reason).value.replace('_', ' ')}.",
                    hint="If it can be mailed again for certain, say force=true.",
                )
            self.caller.require("admin")
        unsuppress(addresses=[entry.email], reasons=[entry.reason])
        return Response(status=204)


def _entry(suppression_id: int) -> Suppression:
    entry = Suppression.objects.filter(pk=suppression_id).first()
    if entry is None:
        raise NotFound(f"There is no entry {suppression_id} on the suppression list.")
    return entry


def _body(entry: Suppression, tenant_id: int) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "tenant_id": tenant_id,
        "email": entry.email,
        "reason": entry.reason,
        "note": entry.note,
        "origin": entry.origin,
        "created_at": entry.created_at,
    }
