"""Outgoing webhooks: endpoints are made and shown with their secret once, changed, tried, paused, resumed."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.callbacks.endpoints import (
    EndpointDraft,
    create_endpoint,
    delete_endpoint,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    update_endpoint,
)
from api.callbacks.models import Endpoint
from api.callbacks.trying import prepare_trial, try_endpoint
from api.ledger.answering import Outside
from api.v2.documentation import errors
from api.v2.endpoints.serializers import (
    DeliveryShown,
    EndpointBody,
    EndpointChanges,
    EndpointMade,
    EndpointRotationBody,
    EndpointShown,
    delivery_shown,
    endpoint_shown,
)
from api.v2.views import V2View
from common.errors import NotFound

TAGS = ["Outgoing webhooks"]
SCOPE = "webhooks"
_SIGNATURES = (
    "Every call is signed as Standard Webhooks says: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,…`, an"
    " HMAC-SHA256 with the secret over `id.timestamp.body`. In the format `aegis` the body is `{message_id, status,"
    " timestamp, error, attempts}`, and `X-Aegis-Signature: sha256=…` signs it as well. What is not answered with 2xx"
    " within 15 seconds is sent again for three days; 410 pauses the endpoint. Redirects are not followed."
)


class EndpointsView(V2View):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_create",
        summary="Make an endpoint",
        description=f"The secret is in this answer only. {_SIGNATURES}",
        tags=TAGS,
        request=EndpointBody,
        responses={201: EndpointMade, **errors(409, body=True)},
        examples=[
            OpenApiExample(
                "Bounces and complaints",
                {"url": "https://hooks.acme.example/mail", "kinds": ["bounced", "complained"]},
                request_only=True,
            ),
            OpenApiExample(
                "A client of Aegis",
                {
                    "url": "https://app.acme.example/api/webhooks/email",
                    "format": "aegis",
                    "kinds": ["sent", "failed"],
                    "secret": "your-shared-secret",
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(EndpointBody)
        draft = EndpointDraft(values["url"], values["kinds"], values["format"], values["description"])
        endpoint, secret = create_endpoint(draft, secret=values.get("secret", ""))
        return _with_secret(endpoint, secret, self.tenant.pk, status=201)


class EndpointListView(V2View):
    """The list."""

    scopes: ClassVar[dict[str, str]] = {"GET": SCOPE}

    @extend_schema(
        operation_id="endpoints_list",
        summary="List endpoints",
        description="All of them: a tenant has 20 at most.",
        tags=TAGS,
        responses={200: OpenApiResponse(EndpointShown(many=True)), **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return Response([endpoint_shown(one, self.tenant.pk) for one in Endpoint.objects.order_by("pk")])


class EndpointView(V2View):
    """One endpoint."""

    scopes: ClassVar[dict[str, str]] = {"GET": SCOPE, "PUT": SCOPE, "DELETE": SCOPE}

    @extend_schema(
        operation_id="endpoints_get",
        summary="Get an endpoint",
        description="`pause_reason` says why it was paused by itself.",
        tags=TAGS,
        responses={200: EndpointShown, **errors()},
    )
    def get(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        return Response(endpoint_shown(endpoint_of(endpoint_id), self.tenant.pk))

    @extend_schema(
        operation_id="endpoints_update",
        summary="Change an endpoint",
        description="What waits is sent to the new URL, in the new format.",
        tags=TAGS,
        request=EndpointChanges,
        responses={200: EndpointShown, **errors(body=True)},
        examples=[OpenApiExample("Everything", {"kinds": ["*"]}, request_only=True)],
    )
    def put(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        held = endpoint_of(endpoint_id)
        values = self.checked(EndpointChanges)
        draft = EndpointDraft(
            values.get("url", held.url),
            values.get("kinds", held.kinds),
            values.get("format", held.format),
            values.get("description", held.description),
        )
        return Response(endpoint_shown(update_endpoint(held.pk, draft), self.tenant.pk))

    @extend_schema(
        operation_id="endpoints_delete",
        summary="Delete an endpoint",
        description="With its deliveries. 409 for the one that the operator gives in WEBHOOK_URL.",
        tags=TAGS,
        responses={204: None, **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        delete_endpoint(endpoint_id)
        return Response(status=204)


class RotationView(V2View):
    """Another secret."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_rotate",
        summary="Replace the secret",
        description=(
            "For `grace_seconds` (a day when left out, 7 at most) `webhook-signature` holds a signature by each of the"
            " two. X-Aegis-Signature is made with the new one from now on."
        ),
        tags=TAGS,
        request=EndpointRotationBody,
        responses={200: EndpointMade, **errors(body=True)},
        examples=[OpenApiExample("With an hour to change over", {"grace_seconds": 3600}, request_only=True)],
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        values = self.checked(EndpointRotationBody)
        endpoint, secret = rotate_secret(
            endpoint_id, grace_seconds=values["grace_seconds"], secret=values.get("secret", "")
        )
        return _with_secret(endpoint, secret, self.tenant.pk, status=200)


class TestView(V2View):
    """A test."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}
    outside = Outside(
        at_most=60,  # the endpoint has a quarter of a minute
        look="Look whether the test came to the endpoint. Send it again, if it did not, with a new key.",
    )

    @extend_schema(
        operation_id="endpoints_test",
        summary="Send a test",
        description="One signed call of the type `test`, at once; the answer says what came of it. It is not repeated.",
        tags=TAGS,
        request=None,
        responses={200: DeliveryShown, **errors()},
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        trial = prepare_trial(endpoint_id)
        self.goes_outside()
        return Response(delivery_shown(try_endpoint(trial)))


class PauseView(V2View):
    """Pausing."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_pause",
        summary="Pause an endpoint",
        description="What waits is kept; what happens meanwhile is not noted down for it.",
        tags=TAGS,
        request=None,
        responses={200: EndpointShown, **errors()},
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        return Response(endpoint_shown(pause_endpoint(endpoint_id), self.tenant.pk))


class ResumeView(V2View):
    """Going on."""

    scopes: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="endpoints_resume",
        summary="Resume an endpoint",
        description="What waits is sent at once, also where the endpoint was active.",
        tags=TAGS,
        request=None,
        responses={200: EndpointShown, **errors()},
    )
    def post(self, request: Request, tenant_id: int, endpoint_id: int) -> Response:
        return Response(endpoint_shown(resume_endpoint(endpoint_id), self.tenant.pk))


def endpoint_of(endpoint_id: int) -> Endpoint:
    """Raises NotFound."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    return endpoint


def _with_secret(endpoint: Endpoint, secret: str, tenant_id: int, *, status: int) -> Response:
    body: dict[str, Any] = {**endpoint_shown(endpoint, tenant_id), "secret": secret}
    return Response(body, status=status, headers={"Cache-Control": "no-store"})
