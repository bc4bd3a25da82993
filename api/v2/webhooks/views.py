"""V23 to V27: what providers and programs tell us. Kept word for word first; told twice, it counts once."""

import json
from typing import Any, ClassVar

from django.db import DatabaseError, connection
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.hooks.generic import NotJson
from api.hooks.receiving import LARGEST_BODY, decoded, receive
from api.v2.documentation import errors
from api.v2.views import V2View
from api.v2.webhooks.serializers import DoorsAnswer, EchoAnswer, EventsBody, ReceivedAnswer

_SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie", "proxy-authorization"})
_ENDPOINTS = ("mailwizz", "powermta", "generic", "test")


class RawParser(BaseParser):
    """Any body as the bytes it is."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> bytes:
        body: bytes = stream.read()
        return body


class HookView(V2View):
    """A door that takes any body. Providers that cannot send X-API-Key give the key as the password of HTTP Basic."""

    scopes: ClassVar[dict[str, str]] = {"POST": "webhooks"}
    parser_classes: ClassVar[list[Any]] = [RawParser]
    largest_body = LARGEST_BODY
    # A body that comes again is recognised by itself.
    idempotent = False
    key_as_password = True
    source = ""

    def handle_exception(self, exc: Exception) -> Any:
        """A body that is not JSON is told as it is everywhere else in API v2: 400."""
        if isinstance(exc, NotJson):
            exc = ParseError(exc.message)
        return super().handle_exception(exc)

    def _receive(self, request: Request) -> Response:
        received = receive(
            source=self.source,
            body=decoded(_bytes(request), request.headers.get("Content-Encoding", "")),
            content_type=request.headers.get("Content-Type", ""),
            caller=self.caller.name,
        )
        return Response(
            {
                "success": True,
                "source": self.source,
                "call_id": received.call_id,
                "duplicate": received.duplicate,
                "events": received.events,
                "applied": received.applied,
                "duplicates": received.duplicates,
                "ignored": received.ignored,
            }
        )


_ANSWER = OpenApiExample(
    "Three new events",
    value={
        "success": True,
        "source": "generic",
        "call_id": 7,
        "duplicate": False,
        "events": 3,
        "applied": 3,
        "duplicates": 0,
        "ignored": 0,
    },
    response_only=True,
)
_KEPT = OpenApiExample(
    "Kept",
    value={
        "success": True,
        "source": "mailwizz",
        "call_id": 8,
        "duplicate": False,
        "events": 0,
        "applied": 0,
        "duplicates": 0,
        "ignored": 0,
    },
    response_only=True,
)


class MailWizzView(HookView):
    """V23."""

    source = "mailwizz"

    @extend_schema(
        operation_id="webhooks_mailwizz",
        summary="A call of MailWizz",
        description="Any JSON or form body is kept word for word, once.",
        tags=["Webhooks"],
        request={"application/json": dict, "application/x-www-form-urlencoded": dict},
        responses={200: ReceivedAnswer, **errors(413, 415)},
        examples=[
            OpenApiExample("An opened campaign", value={"action": "open", "campaign": "ab123"}, request_only=True),
            _KEPT,
        ],
    )
    def post(self, request: Request) -> Response:
        return self._receive(request)


class PowerMtaView(HookView):
    """V24."""

    source = "powermta"

    @extend_schema(
        operation_id="webhooks_powermta",
        summary="Accounting records of PowerMTA",
        description="A batch in JSON or CSV is kept word for word, once.",
        tags=["Webhooks"],
        request={"application/json": dict, "text/csv": OpenApiTypes.BINARY},
        responses={200: ReceivedAnswer, **errors(413, 415)},
        examples=[
            OpenApiExample("A delivery", value={"type": "d", "rcpt": "ann@example.com"}, request_only=True),
            _KEPT,
        ],
    )
    def post(self, request: Request) -> Response:
        return self._receive(request)


class GenericView(HookView):
    """V25."""

    source = "generic"

    @extend_schema(
        operation_id="webhooks_generic",
        summary="Events from your own program",
        description=(
            "Deliveries, bounces, opens, clicks, complaints and unsubscribes. An event counts once: by its event_id, or"
            " without one by all that it says. If one event cannot be read, none is applied."
        ),
        tags=["Webhooks"],
        request={"application/json": EventsBody},
        responses={200: ReceivedAnswer, **errors(400, 413, 415)},
        examples=[
            OpenApiExample(
                "An unsubscribe",
                value={"events": [{"event": "unsubscribed", "email": "ann@example.com", "event_id": "evt-1"}]},
                request_only=True,
            ),
            _ANSWER,
        ],
    )
    def post(self, request: Request) -> Response:
        return self._receive(request)


class EchoView(HookView):
    """V26."""

    @extend_schema(
        operation_id="webhooks_test",
        summary="See what arrives",
        description="Answers with the body and the headers as they arrived. Nothing is kept.",
        tags=["Webhooks"],
        request={"application/json": dict},
        responses={200: EchoAnswer, **errors(413, 415)},
        examples=[
            OpenApiExample("Anything", value={"hello": "world"}, request_only=True),
            OpenApiExample(
                "What arrived",
                value={
                    "success": True,
                    "tenant_id": 1,
                    "method": "POST",
                    "content_type": "application/json",
                    "size": 17,
                    "headers": {"User-Agent": "curl/8.5.0"},
                    "body": {"hello": "world"},
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = decoded(_bytes(request), request.headers.get("Content-Encoding", ""))
        return Response(
            {
                "success": True,
                "tenant_id": self.tenant.pk,
                "method": request.method,
                "content_type": request.headers.get("Content-Type", ""),
                "size": len(body),
                "headers": {
                    name: value for name, value in request.headers.items() if name.lower() not in _SECRET_HEADERS
                },
                "body": _understood(body),
            }
        )


class DoorsView(V2View):
    """V27. Needs no key: it says nothing about any tenant."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nobody has to be identified."""

    @extend_schema(
        operation_id="webhooks_health",
        summary="Whether webhooks are taken in just now",
        tags=["Webhooks"],
        auth=[],
        responses={200: DoorsAnswer, 503: DoorsAnswer},
        examples=[
            OpenApiExample(
                "All is well",
                value={
                    "status": "healthy",
                    "database": True,
                    "endpoints": [f"/api/v2/webhooks/{name}" for name in _ENDPOINTS],
                    "timestamp": "2026-03-01T09:00:00Z",
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        reachable = _database_answers()
        body = {
            "status": "healthy" if reachable else "unhealthy",
            "database": reachable,
            "endpoints": [f"/api/v2/webhooks/{name}" for name in _ENDPOINTS],
            "timestamp": timezone.now(),
        }
        return Response(body, status=200 if reachable else 503)


def _bytes(request: Request) -> bytes:
    return request.data if isinstance(request.data, bytes) else b""


def _understood(body: bytes) -> Any:
    """As JSON; as text where it is none, or where it could not be said in JSON again (NaN, 1e999, half characters)."""
    try:
        understood = json.loads(body)
        json.dumps(understood, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return understood


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
