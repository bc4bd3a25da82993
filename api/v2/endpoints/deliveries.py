"""What endpoints were told: the log, one more time, and a stretch of time again."""

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.callbacks.kinds import TEST, Kind
from api.callbacks.models import Delivery
from api.callbacks.resending import replay, resend_delivery
from api.v2.documentation import errors
from api.v2.endpoints.serializers import DeliveryPage, DeliveryShown, ReplayAnswer, ReplayBody, delivery_shown
from api.v2.endpoints.views import SCOPE, TAGS, endpoint_of
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.views import V2View
from common.errors import InvalidInput
from outbound.submission.ids import UnknownMessage, read_public_id

_STATES = [str(value) for value in Delivery.State.values]
_KINDS = [*(str(kind) for kind in Kind), TEST]


class DeliveriesView(V2View):
    """The log of an endpoint."""

    scopes: ClassVar[dict[str, str]] = {"GET": SCOPE}

    @extend_schema(
        operation_id="endpoints_deliveries",
        summary="List what an endpoint was told",
        description="The latest first, for 30 days.",
        tags=TAGS,
        parameters=[
            OpenApiParameter("state", str, enum=_STATES),
            OpenApiParameter("kind", str, enum=_KINDS),
            OpenApiParameter("message_id", str, description="msg_…, as the message was answered"),
            OpenApiParameter("limit", int, description="1 to 500"),
            OpenApiParameter("cursor", str),
        ],
        responses={200: DeliveryPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        limit, cursor = limit_of(request), cursor_of(request)
        rows = self._chosen(request, endpoint_of(endpoint_id).pk)
        if cursor is not None:
            rows = rows.filter(pk__lt=cursor)
        page, following = page_of(list(rows.order_by("-pk")[: limit + 1]), limit=limit)
        return Response({"items": [delivery_shown(one) for one in page], "next_cursor": following})

    def _chosen(self, request: Request, endpoint_id: int) -> "QuerySet[Delivery]":
        rows = Delivery.objects.filter(endpoint_id=endpoint_id)
        if state := _choice(request, "state", _STATES):
            rows = rows.filter(state=state)
        if kind := _choice(request, "kind", _KINDS):
            rows = rows.filter(kind=kind)
        if message := request.query_params.get("message_id", ""):
            name = read_public_id(message)
            if name.tenant_id != self.tenant.pk:
                raise UnknownMessage
            rows = rows.filter(message_id=name.message_id)
        return rows


class ResendView(V2View):
    """One delivery again."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_resend",
        summary="Send a delivery again",
        description="At once, with the same webhook-id. 409 for a test, and while the endpoint is paused.",
        tags=TAGS,
        request=None,
        responses={202: DeliveryShown, **errors(409)},
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int, delivery_id: int) -> Response:
        return Response(delivery_shown(resend_delivery(delivery_id, endpoint_id=endpoint_id)), status=202)


class ReplayView(V2View):
    """A stretch of time again."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_replay",
        summary="Send everything of a stretch of time again",
        description="Delivered or not, each with the webhook-id it had. 409 while the endpoint is paused.",
        tags=TAGS,
        request=ReplayBody,
        responses={202: ReplayAnswer, **errors(409, body=True)},
        examples=[OpenApiExample("Since midnight", {"since": "2025-03-01T00:00:00Z"}, request_only=True)],
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        values = self.checked(ReplayBody)
        count = replay(endpoint_id, since=values["since"], until=values["until"])
        return Response({"deliveries": count}, status=202)


def _choice(request: Request, name: str, choices: list[str]) -> str:
    given: str = request.query_params.get(name, "")
    if given and given not in choices:
        raise InvalidInput(f"This is one of {', '.join(choices)}.", field=name)
    return given
