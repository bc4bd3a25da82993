"""G1 to G3: one address, one message."""

import logging
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from api.gateway.answers import accepted, quota_headers
from api.gateway.errors import BodyTooLarge, MethodNotAllowed, not_an_object, not_json, refused, status_of
from api.gateway.reading import read
from api.gateway.sending import send
from api.gateway.serializers import GatewayDetail, GatewayEmail, GatewayFaults, GatewayQueued
from api.gateway.size import largest_body
from api.views import ApiView
from common.errors import NotFound

log = logging.getLogger(__name__)

_MEANING = {
    401: "No key, or none that is accepted.",
    403: "The key may not send, or belongs to another tenant.",
    404: "An admin key named a tenant that is not there.",
    405: "This path does not know the method.",
    409: "This Idempotency-Key was used with another body.",
    413: "The body is larger than MAX_REQUEST_SIZE.",
    429: "Too many calls, or the day's limit is used up.",
    503: "Nothing is taken just now; try again.",
}


class SendView(ApiView):
    """Errors are said as FastAPI says them."""

    scopes: ClassVar[dict[str, str]] = {"POST": "send"}

    @extend_schema(
        operation_id="gateway_send",
        summary="Send an e-mail to one address",
        tags=["Gateway"],
        request=GatewayEmail,
        responses={
            202: GatewayQueued,
            422: OpenApiResponse(GatewayFaults, description="Something in the body cannot be used."),
            **{status: OpenApiResponse(GatewayDetail, description=words) for status, words in _MEANING.items()},
        },
        examples=[
            OpenApiExample(
                "HTML and text",
                {
                    "to": "user@example.com",
                    "subject": "Welcome!",
                    "html_body": "<h1>Welcome to our service!</h1><p>Thank you for signing up.</p>",
                    "text_body": "Welcome to our service! Thank you for signing up.",
                },
                request_only=True,
            ),
            OpenApiExample(
                "With headers",
                {
                    "to": "user@example.com",
                    "subject": "Newsletter",
                    "html_body": "<h2>Latest Updates</h2>",
                    "text_body": "Latest Updates",
                    "headers": {"Reply-To": "noreply@example.com", "X-Priority": "1"},
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
        done = send(read(request.data if has_body else None), caller=self.caller, tenant=self.tenant)
        status, body = accepted(done)
        return Response(body, status=status, headers=quota_headers(done))

    def get_exception_handler(self) -> Any:
        return answer_error

    def _largest_body(self) -> int:
        return largest_body()


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """For every error of the view. What nobody foresaw is logged in full and told in two words."""
    known = _as_ours(error)
    if status_of(known) == 500:
        log.exception("a request failed", exc_info=error)
    request_id = context["request"].META.get("REQUEST_ID", "")
    status, body, headers = refused(known, request_id=request_id, now=datetime.now(UTC))
    return Response(body, status=status, headers=headers)


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, exceptions.UnsupportedMediaType):
        return not_an_object()
    if isinstance(error, exceptions.ParseError):
        # Where the reader of JSON, or of UTF-8, gave up.
        cause = error.__context__
        position = getattr(cause, "pos", getattr(cause, "start", 0))
        return not_json(str(getattr(cause, "msg", error.detail)), position)
    if isinstance(error, exceptions.APIException) and error.status_code == 413:
        return BodyTooLarge()
    if isinstance(error, Http404):
        return NotFound("Not Found")
    return error
