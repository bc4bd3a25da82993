"""A1, A2 and A4: sending, asking what became of it, and how the installation is."""

from datetime import UTC, datetime
from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access.end_users import on_behalf
from api.aegis.answers import accepted, moment, standing
from api.aegis.base import AegisView, OpenAegisView
from api.aegis.reading import read
from api.aegis.serializers import AegisEmail, AegisError, AegisQueued, AegisStanding, AegisSystem
from api.aegis.status import system_status
from api.limits import Allowance, take
from api.limits.dialects import aegis_windows
from outbound.submission.checks import LARGEST_MESSAGE
from outbound.submission.finding import find_message, locate
from outbound.submission.ids import UnknownMessage
from outbound.submission.submitting import submit_message
from outbound.submission.types import Submitter
from tenants.scope import tenant_scope

TAGS = ["Aegis"]
_MEANING = {
    400: "A field is missing or cannot be used; `field` says which.",
    401: "No key, or none that is accepted.",
    403: "The key may not send, or belongs to another tenant.",
    404: "There is no such message.",
    405: "This path does not know the method.",
    409: "This Idempotency-Key was used with another body.",
    413: "The body, or the message, is too large.",
    429: "Too many calls, or the day's limit is used up; `retry_after` says when to try again.",
    503: "Nothing is taken just now; try again.",
}
_PLAIN = {"to": "user@example.com", "subject": "Welcome!", "body": "Thank you for signing up."}
_WITH_ALL = {
    "to": "customer@example.com",
    "toName": "Ann Example",
    "subject": "Your Invoice",
    "body": "<h2>Invoice Attached</h2><p>Please find your invoice attached.</p>",
    "isHtml": True,
    "cc": [{"email": "manager@example.com", "name": "Manager"}],
    "bcc": [{"email": "archive@example.com"}],
    "replyTo": "support@example.com",
    "attachments": [{"name": "invoice-2024-001.txt", "content": "SW52b2ljZQ=="}],
    "priority": 2,
    "headers": {"X-Order": "42"},
}


def _errors(*statuses: int) -> dict[int, OpenApiResponse]:
    return {status: OpenApiResponse(AegisError, description=_MEANING[status]) for status in statuses}


class SendView(AegisView):
    """A1. Every answer to a good key says how many calls are left."""

    scopes: ClassVar[dict[str, str]] = {"POST": "send"}
    # A message is measured as it travels, attachments in base64; beside it stands little else.
    largest_body = LARGEST_MESSAGE + (1 << 20)

    @extend_schema(
        operation_id="aegis_send",
        summary="Send an e-mail",
        tags=TAGS,
        request=AegisEmail,
        responses={202: AegisQueued, **_errors(400, 401, 403, 404, 405, 409, 413, 429, 503)},
        examples=[
            OpenApiExample("Simple text", _PLAIN, request_only=True),
            OpenApiExample("Everything", _WITH_ALL, request_only=True),
            OpenApiExample(
                "Queued",
                {"success": True, "message": "Email queued successfully", "message_id": "msg_abc123def456"},
                response_only=True,
                status_codes=["202"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        submitter = Submitter(self.caller.key_id, self.caller.daily_limit)
        submission = on_behalf(self.caller, read(request.data))
        status, body = accepted(submit_message(submission, submitter=submitter))
        return Response(body, status=status)

    def count(self, request: Request) -> Allowance | None:
        return take(aegis_windows(self.caller, self.tenant, endpoint="POST /send"))


class StandingView(OpenAegisView):
    """A2. Whoever has the id may ask: it cannot be guessed."""

    @extend_schema(
        operation_id="aegis_send_status",
        summary="What became of an e-mail",
        description="Needs no key.",
        tags=TAGS,
        auth=[],
        parameters=[
            OpenApiParameter("message_id", str, OpenApiParameter.PATH, description="from the answer of /send"),
            OpenApiParameter("date", str, description="YYYY-MM-DD; not needed any more to find it quickly"),
        ],
        responses={200: AegisStanding, **_errors(404, 405, 503)},
        examples=[
            OpenApiExample(
                "Failed",
                {
                    "message_id": "msg_abc123def456",
                    "lookup_date": "2024-08-02",
                    "timestamp": "2024-08-02T19:30:00+00:00",
                    "status": "failed",
                    "message": "Email delivery failed",
                    "details": {
                        "message_id": "msg_abc123def456",
                        "failed_at": "2024-08-02T18:45:00+00:00",
                        "attempts": 1,
                        "last_error": "SMTP connection timeout",
                    },
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, message_id: str) -> Response:
        tenant, number = locate(message_id)
        here = getattr(request._request, "tenant", None)
        if here is not None and here.pk != tenant.pk:
            raise UnknownMessage
        with tenant_scope(tenant):
            return Response(standing(find_message(number), now=datetime.now(UTC)))


class SystemView(OpenAegisView):
    """A4."""

    @extend_schema(
        operation_id="aegis_status",
        summary="How the installation is",
        description="Needs no key. Figures are those of the whole installation, a few seconds old at most.",
        tags=TAGS,
        auth=[],
        responses={200: AegisSystem, **_errors(405, 503)},
    )
    def get(self, request: Request) -> Response:
        now = datetime.now(UTC)
        return Response({**system_status(), "timestamp": moment(now)})
