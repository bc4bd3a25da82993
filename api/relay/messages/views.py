"""Messages: sent, listed, looked at, cancelled, tried again."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access.end_users import on_behalf
from api.relay.answers import accepted, message_detail, message_item, retried
from api.relay.base import RelayView
from api.relay.documentation import PAGE, WORKSPACE, Done, errors
from api.relay.messages.examples import NEW, TAKEN
from api.relay.messages.filters import FILTERS, wanted_messages
from api.relay.messages.serializers import (
    MessageAnswer,
    MessageListAnswer,
    MessageTakenAnswer,
    NewMessage,
    RetriedAnswer,
)
from api.relay.paging import asked_page, paging_headers
from api.relay.reading import LARGEST_BODY, read
from outbound.submission.changing import cancel_submission, retry_submission
from outbound.submission.finding import UnknownMessage, find_message, list_messages
from outbound.submission.ids import read_public_id
from outbound.submission.submitting import submit_message
from outbound.submission.types import Submitter

TAGS = ["Relay: messages"]


class MessagesView(RelayView):
    """All of them."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "send"}
    largest_body = LARGEST_BODY

    @extend_schema(
        operation_id="relay_messages_list",
        summary="List messages",
        description="The newest first. Headers say the total and the pages: X-Total-Count, X-Page-Count, Link.",
        tags=TAGS,
        parameters=[*FILTERS, *PAGE, WORKSPACE],
        responses={200: MessageListAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        wanted, asked = wanted_messages(request.query_params), asked_page(request.query_params)
        page = list_messages(wanted, limit=asked.limit, offset=asked.offset)
        shown = [message_item(message, workspace_id=self.tenant.workspace_id) for message in page.messages]
        pagination = {
            "total": page.total,
            "limit": asked.limit,
            "offset": asked.offset,
            "has_more": asked.offset + len(shown) < page.total or (page.is_capped and len(shown) == asked.limit),
        }
        headers = paging_headers(
            asked, total=page.total, is_capped=page.is_capped, path=request.path, query=request.query_params
        )
        body = {"success": True, "data": {"messages": shown, "pagination": pagination}}
        return Response(body, headers=headers)

    @extend_schema(
        operation_id="relay_messages_send",
        summary="Send a message",
        description="It is stored before this is answered. Text in {{double braces}} is filled with the variables.",
        tags=TAGS,
        request=NewMessage,
        responses={202: MessageTakenAnswer, **errors(409, body=True)},
        examples=[NEW, TAKEN],
    )
    def post(self, request: Request) -> Response:
        submitter = Submitter(key_id=self.caller.key_id, daily_limit=self.caller.daily_limit)
        submission = on_behalf(self.caller, read(request.data))
        status, body = accepted(submit_message(submission, submitter=submitter))
        return Response(body, status=status)


class OneMessageView(RelayView):
    """What views of one message share."""

    def named_tenant(self, request: Request, kwargs: dict[str, Any]) -> tuple[int | None, str]:
        """An id leads to its tenant, so an admin need not name that."""
        tenant_id, workspace = super().named_tenant(request, kwargs)
        if self.caller.is_admin and not workspace and not request.headers.get("X-Workspace-ID"):
            tenant_id = read_public_id(kwargs["message_id"]).tenant_id
        return tenant_id, workspace

    def found(self, public: str) -> int:
        """The message's id inside this tenant. Raises UnknownMessage for another tenant's."""
        name = read_public_id(public)
        if name.tenant_id != self.tenant.pk:
            raise UnknownMessage
        return name.message_id


class MessageView(OneMessageView):
    """One of them."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "DELETE": "send"}

    @extend_schema(
        operation_id="relay_messages_get",
        summary="Get a message",
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={200: MessageAnswer, **errors()},
    )
    def get(self, request: Request, message_id: str) -> Response:
        message = find_message(self.found(message_id))
        return Response({"success": True, "data": message_detail(message, workspace_id=self.tenant.workspace_id)})

    @extend_schema(
        operation_id="relay_messages_cancel",
        summary="Cancel a message",
        description="Only while its status is `queued`; 409 afterwards.",
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={200: Done, **errors(409)},
    )
    def delete(self, request: Request, message_id: str) -> Response:
        cancel_submission(self.found(message_id))
        return Response({"success": True, "message": "Message cancelled successfully"})


class RetryView(OneMessageView):
    """Another try for one that failed."""

    scopes: ClassVar[dict[str, str]] = {"PUT": "send"}

    @extend_schema(
        operation_id="relay_messages_retry",
        summary="Try a failed message again",
        description="Only recipients that failed are tried again; 409 for a message that did not fail.",
        tags=TAGS,
        parameters=[WORKSPACE],
        request=None,
        responses={200: RetriedAnswer, **errors(409)},
    )
    def put(self, request: Request, message_id: str) -> Response:
        found = self.found(message_id)
        retry_submission(found)
        return Response({"success": True, "data": retried(find_message(found))})
