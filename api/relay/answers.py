"""What the relay answers about messages, field by field. No request is needed: bare doors use it too."""

from typing import Any

from api.relay.moments import moment
from outbound.submission.details import MessageDetail, MessageSummary
from outbound.submission.types import Accepted, Mailbox, SubmissionState

PREFIX = "msg-"

# The reference knows queued, processing, sent and failed, and that a message can be cancelled. One in doubt is none of
# them: a client that takes it for failed would send it twice.
_STATUS = {
    SubmissionState.SCHEDULED: "queued",
    SubmissionState.QUEUED: "queued",
    SubmissionState.DEFERRED: "queued",
    SubmissionState.SENT: "sent",
    SubmissionState.DELIVERED: "sent",
    SubmissionState.BOUNCED: "failed",
    SubmissionState.FAILED: "failed",
    SubmissionState.CANCELLED: "cancelled",
    SubmissionState.IN_DOUBT: "in_doubt",
}


def accepted(done: Accepted) -> tuple[int, dict[str, Any]]:
    """Status and body for a message that was taken."""
    data = {
        "message_id": PREFIX + done.public_id,
        "status": _STATUS[done.state],
        "queued_at": moment(done.queued_at),
        "estimated_send_time": moment(done.send_at or done.queued_at),
    }
    return 202, {"success": True, "data": data}


def message_item(message: MessageSummary, *, workspace_id: str) -> dict[str, Any]:
    """A message as a list shows it."""
    return {
        "id": PREFIX + message.public_id,
        "from": message.sender.address,
        "to": _addresses(message.to),
        "cc": _addresses(message.cc),
        "bcc": _addresses(message.bcc),
        "subject": message.subject,
        "status": status_of(message),
        "workspace_id": workspace_id,
        "campaign_id": message.campaign or None,
        "queued_at": moment(message.queued_at),
        "processed_at": moment(message.processed_at),
        "error": message.error or None,
        "retry_count": message.retries,
        "metadata": dict(message.metadata),
    }


def message_detail(message: MessageDetail, *, workspace_id: str) -> dict[str, Any]:
    """All of a message."""
    return {
        "id": PREFIX + message.public_id,
        "from": message.sender.address,
        "to": _addresses(message.to),
        "cc": _addresses(message.cc),
        "bcc": _addresses(message.bcc),
        "subject": message.subject,
        "html_body": message.html,
        "text_body": message.text,
        "headers": _headers(message),
        "attachments": [
            {"filename": one.filename, "content_type": one.content_type, "size": one.size}
            for one in message.attachments
        ],
        "status": status_of(message),
        "workspace_id": workspace_id,
        "campaign_id": message.campaign or None,
        "user_id": message.user or None,
        "queued_at": moment(message.queued_at),
        "processed_at": moment(message.processed_at),
        "provider": message.provider or None,
        "provider_message_id": message.provider_reference or None,
        "error": message.error or None,
        "retry_count": message.retries,
        "metadata": dict(message.metadata),
    }


def retried(message: MessageSummary) -> dict[str, Any]:
    """A message that waits for another try."""
    return {
        "message_id": PREFIX + message.public_id,
        "status": status_of(message),
        "retry_count": message.retries,
    }


def status_of(message: MessageSummary) -> str:
    """In the relay's words."""
    waits = message.state in (SubmissionState.QUEUED, SubmissionState.DEFERRED)
    return "processing" if message.processing and waits else _STATUS[message.state]


def _headers(message: MessageDetail) -> dict[str, str]:
    """With Reply-To, which the core keeps apart: in this dialect a caller can only say it here."""
    told = dict(message.headers)
    if message.reply_to:
        told["Reply-To"] = ", ".join(_written(one) for one in message.reply_to)
    return told


def _written(one: Mailbox) -> str:
    return f"{one.name} <{one.address}>" if one.name else one.address


def _addresses(mailboxes: tuple[Mailbox, ...]) -> list[str]:
    return [one.address for one in mailboxes]
