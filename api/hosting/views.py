"""H14 to H19: sending e-mails, and looking after them."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access.end_users import on_behalf
from api.hosting import answers
from api.hosting.base import HostingView
from api.hosting.documentation import errors
from api.hosting.listing import LARGEST_LIMIT, LONGEST_DAYS, days_of, filter_of, page_of
from api.hosting.reading import read
from api.hosting.serializers import (
    HostingAcceptedAnswer,
    HostingDeletedAnswer,
    HostingEmailAnswer,
    HostingEmailsAnswer,
    HostingStatisticsAnswer,
    NewHostingEmail,
)
from outbound.submission.changing import delete_submission, retry_submission
from outbound.submission.checks import LARGEST_MESSAGE
from outbound.submission.figures import DAY, processing_times, queue_figures, send_statistics
from outbound.submission.finding import find_message, list_messages
from outbound.submission.ids import UnknownMessage, public_id, read_public_id
from outbound.submission.submitting import submit_message
from outbound.submission.types import Submitter

TAGS = ["E-mail hosting"]
_SEED = {
    "from": "sender@yourdomain.com",
    "to": ["recipient@example.com"],
    "subject": "Test Email",
    "text": "Hello, World!",
    "html": "<h1>Hello, World!</h1>",
}
_WITH_ALL = {
    "from": {"address": "sender@yourdomain.com", "name": "Your Shop"},
    "to": ["Ana Doe <ana@example.com>", {"address": "bo@example.com", "name": "Bo"}],
    "cc": "office@example.com",
    "bcc": ["archive@example.com"],
    "replyTo": "support@yourdomain.com",
    "subject": "Your invoice",
    "text": "See the invoice.",
    "html": '<p>See the invoice.</p><img src="cid:logo">',
    "headers": {"X-Order": "42"},
    "attachments": [
        {"filename": "invoice.txt", "content": "SW52b2ljZQ==", "contentType": "text/plain"},
        {
            "filename": "logo.png",
            "content": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
            "cid": "logo",
        },
    ],
    "priority": "high",
    "metadata": {"order": 42},
}
_ACCEPTED = {
    "success": True,
    "data": {
        "id": "msg_abcdefghijklmnopqrstuvwxyz",
        "status": "queued",
        "scheduledAt": None,
        "createdAt": "2026-03-01T09:00:00.000Z",
    },
}
_ID = OpenApiParameter("email_id", str, OpenApiParameter.PATH, description="msg_…")
_WORKSPACE = OpenApiParameter("workspace_id", str, description="of the tenant, with an admin key")


class EmailsView(HostingView):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "send"}
    # JSON writes a few characters in several bytes.
    largest_body = LARGEST_MESSAGE + LARGEST_MESSAGE // 8

    @extend_schema(
        operation_id="hosting_emails_send",
        summary="Send an e-mail",
        description=(
            "It is kept, and sent in the background. `from` must be on one of the tenant's sending domains; an attachment"
            " has up to MAX_ATTACHMENT_SIZE bytes (10485760 by default), a message 26214400 with attachments in base64."
        ),
        tags=TAGS,
        request=NewHostingEmail,
        responses={202: HostingAcceptedAnswer, **errors(409, 413, 415)},
        examples=[
            OpenApiExample("Text and HTML", _SEED, request_only=True),
            OpenApiExample("With everything", _WITH_ALL, request_only=True),
            OpenApiExample("Queued", _ACCEPTED, response_only=True, status_codes=["202"]),
        ],
    )
    def post(self, request: Request) -> Response:
        submitter = Submitter(self.caller.key_id, self.caller.daily_limit)
        done = submit_message(on_behalf(self.caller, read(request.data)), submitter=submitter)
        status, body = answers.accepted(done)
        return Response(body, status=status)

    @extend_schema(
        operation_id="hosting_emails_list",
        summary="List e-mails",
        description="Newest first.",
        tags=TAGS,
        parameters=[
            OpenApiParameter("page", int, description="from 1"),
            OpenApiParameter("limit", int, description=f"1 to {LARGEST_LIMIT}; 20 when left out"),
            OpenApiParameter("status", str, enum=list(answers.STATUS.values())),
            OpenApiParameter("from", str, description="the sender's whole address"),
            OpenApiParameter("to", str, description="a recipient's whole address, one of cc or bcc too"),
            OpenApiParameter("createdAfter", str, description="a time with its zone, included"),
            OpenApiParameter("createdBefore", str, description="a time with its zone, included"),
            _WORKSPACE,
        ],
        responses={200: HostingEmailsAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        page = page_of(request.query_params)
        found = list_messages(filter_of(request.query_params), limit=page.limit, offset=page.offset)
        return Response(
            {
                "success": True,
                "data": [answers.email(one) for one in found.messages],
                "pagination": {
                    "page": page.number,
                    "limit": page.limit,
                    "total": found.total,
                    "pages": -(-found.total // page.limit),
                    "totalIsExact": not found.is_capped,
                },
            }
        )


class StatisticsView(HostingView):
    """Figures."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="hosting_emails_stats",
        summary="Figures of e-mails",
        description="What waits, what became of all before, and what was told on each of the last days.",
        tags=TAGS,
        parameters=[OpenApiParameter("days", int, description=f"1 to {LONGEST_DAYS}; 30 when left out"), _WORKSPACE],
        responses={200: HostingStatisticsAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        first, last = days_of(request.query_params)
        times = processing_times(DAY)
        told = answers.statistics(queue_figures(), send_statistics(first, last), milliseconds=times.average)
        return Response({"success": True, "data": told})


class OneEmailView(HostingView):
    """What views of one e-mail share."""

    def named_tenant(self, request: Request, kwargs: dict[str, Any]) -> tuple[int | None, str]:
        """An id leads to its tenant, so an admin need not name that."""
        tenant_id, workspace = super().named_tenant(request, kwargs)
        if self.caller.is_admin and not workspace and not request.headers.get("X-Workspace-ID"):
            tenant_id = read_public_id(kwargs["email_id"]).tenant_id
        return tenant_id, workspace

    def own_id(self, email_id: str) -> int:
        """The number of the tenant's own message. Raises UnknownMessage, for that of another tenant too."""
        name = read_public_id(email_id)
        if name.tenant_id != self.tenant.pk:
            raise UnknownMessage
        return name.message_id


class EmailView(OneEmailView):
    """One e-mail."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "DELETE": "send"}

    @extend_schema(
        operation_id="hosting_emails_get",
        summary="Get an e-mail with its recipients and timeline",
        tags=TAGS,
        parameters=[_ID, _WORKSPACE],
        responses={200: HostingEmailAnswer, **errors()},
    )
    def get(self, request: Request, email_id: str) -> Response:
        found = find_message(self.own_id(email_id))
        return Response({"success": True, "data": answers.email_in_full(found)})

    @extend_schema(
        operation_id="hosting_emails_delete",
        summary="Delete an e-mail",
        description="Not while it is being sent (409). One that waits is not sent any more.",
        tags=TAGS,
        parameters=[_ID, _WORKSPACE],
        responses={200: HostingDeletedAnswer, **errors(409)},
    )
    def delete(self, request: Request, email_id: str) -> Response:
        message_id = self.own_id(email_id)
        delete_submission(message_id)
        spelled = answers.spelled(public_id(self.tenant.pk, message_id))
        return Response({"success": True, "data": {"id": spelled, "deleted": True}})


class ResendView(OneEmailView):
    """A failed e-mail, once more."""

    scopes: ClassVar[dict[str, str]] = {"POST": "send"}

    @extend_schema(
        operation_id="hosting_emails_resend",
        summary="Send a failed e-mail once more",
        description="To those of its recipients whom it did not reach; the id stays. 409 when there is nobody.",
        tags=TAGS,
        parameters=[_ID, _WORKSPACE],
        request=None,
        responses={202: HostingAcceptedAnswer, **errors(409, 413, 415)},
    )
    def post(self, request: Request, email_id: str) -> Response:
        message_id = self.own_id(email_id)
        retry_submission(message_id)
        status, body = answers.accepted_again(find_message(message_id))
        return Response(body, status=status)
