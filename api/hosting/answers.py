"""What the hosting service answers: its own names for what the core knows, field by field.

Times are in UTC with milliseconds and a Z, as JavaScript writes them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from outbound.submission.details import MessageDetail, MessageSummary, Moment, Standing
from outbound.submission.figures import DayFigures, QueueFigures
from outbound.submission.types import Accepted, Mailbox, SubmissionState

STATUS = {
    SubmissionState.SCHEDULED: "scheduled",
    SubmissionState.QUEUED: "queued",
    SubmissionState.DEFERRED: "deferred",
    SubmissionState.SENT: "sent",
    SubmissionState.DELIVERED: "delivered",
    SubmissionState.BOUNCED: "bounced",
    SubmissionState.FAILED: "failed",
    SubmissionState.CANCELLED: "cancelled",
    SubmissionState.IN_DOUBT: "unknown",
}
RECIPIENT_STATUS = {
    Standing.SCHEDULED: "scheduled",
    Standing.QUEUED: "queued",
    Standing.PROCESSING: "processing",
    Standing.DEFERRED: "deferred",
    Standing.SENT: "sent",
    Standing.DELIVERED: "delivered",
    Standing.BOUNCED: "bounced",
    Standing.FAILED: "failed",
    Standing.CANCELLED: "cancelled",
    Standing.SUPPRESSED: "suppressed",
    Standing.IN_DOUBT: "unknown",
    Standing.COMPLAINED: "complained",
}
EVENTS = {
    Moment.ACCEPTED: "accepted",
    Moment.SCHEDULED: "scheduled",
    Moment.DEFERRED: "deferred",
    Moment.SENT: "sent",
    Moment.DELIVERED: "delivered",
    Moment.BOUNCED: "bounced",
    Moment.FAILED: "failed",
    Moment.SUPPRESSED: "suppressed",
    Moment.IN_DOUBT: "unknown",
    Moment.CANCELLED: "cancelled",
    Moment.OPENED: "opened",
    Moment.CLICKED: "clicked",
    Moment.UNSUBSCRIBED: "unsubscribed",
    Moment.COMPLAINED: "complained",
}


def accepted(done: Accepted) -> tuple[int, dict[str, Any]]:
    """202: it is kept, and will be sent."""
    return 202, _queued(done)


def accepted_again(found: MessageSummary) -> tuple[int, dict[str, Any]]:
    """202: the same e-mail, to those whom it did not reach."""
    return 202, _queued(found)


def spelled(public_id: str) -> str:
    """An id as this dialect writes it."""
    return f"msg_{public_id}"


def _queued(one: Accepted | MessageSummary) -> dict[str, Any]:
    return {
        "success": True,
        "data": {
            "id": spelled(one.public_id),
            "status": STATUS[one.state],
            "scheduledAt": moment(one.send_at),
            "createdAt": moment(one.queued_at),
        },
    }


def email(found: MessageSummary) -> dict[str, Any]:
    """One of a list."""
    return {
        "id": spelled(found.public_id),
        "status": STATUS[found.state],
        "from": mailbox(found.sender),
        "to": mailboxes(found.to),
        "cc": mailboxes(found.cc),
        "bcc": mailboxes(found.bcc),
        "subject": found.subject,
        "priority": found.priority,
        "retries": found.retries,
        "error": found.error or None,
        "scheduledAt": moment(found.send_at),
        "sentAt": moment(found.processed_at),
        "createdAt": moment(found.queued_at),
    }


def email_in_full(found: MessageDetail) -> dict[str, Any]:
    """With content, what became of each recipient, and what happened when."""
    return {
        **email(found),
        "replyTo": mailboxes(found.reply_to),
        "text": found.text or None,
        "html": found.html or None,
        "headers": [{"name": name, "value": value} for name, value in found.headers],
        "attachments": [
            {
                "filename": one.filename,
                "contentType": one.content_type,
                "size": one.size,
                "cid": one.content_id or None,
            }
            for one in found.attachments
        ],
        "metadata": dict(found.metadata),
        "size": found.size,
        "provider": found.provider or None,
        "providerMessageId": found.provider_reference or None,
        "recipients": [
            {
                "type": one.kind,
                "address": one.email,
                "name": one.name,
                "status": RECIPIENT_STATUS[one.state],
                "attempts": one.attempts,
                "code": one.code,
                "reason": one.reason or None,
                "updatedAt": moment(one.at),
            }
            for one in found.recipients
        ],
        "timeline": [
            {
                "event": EVENTS[one.kind],
                "at": moment(one.at),
                "address": one.email or None,
                "provider": one.provider or None,
                "code": one.code,
                "message": one.text or None,
            }
            for one in found.timeline
        ],
    }


def statistics(queue: QueueFigures, days: Iterable[DayFigures], *, milliseconds: float | None) -> dict[str, Any]:
    """Recipients, each counted by itself. `milliseconds`: how long an e-mail took on the average of the last day."""
    finished = queue.sent + queue.bounced + queue.failed
    return {
        "total": queue.total,
        "queued": queue.queued,
        "scheduled": queue.scheduled,
        "processing": queue.processing,
        "deferred": queue.deferred,
        "sent": queue.sent,
        "delivered": queue.delivered,
        "bounced": queue.bounced + queue.came_back,
        "failed": queue.failed,
        "suppressed": queue.suppressed,
        "cancelled": queue.cancelled,
        "unknown": queue.in_doubt,
        "successRate": round((queue.sent - queue.came_back) / finished, 4) if finished else None,
        "averageProcessingMs": None if milliseconds is None else round(milliseconds, 1),
        "days": [
            {
                "date": one.day.isoformat(),
                "sent": one.sent,
                "delivered": one.delivered,
                "bounced": one.bounced,
                "failed": one.failed,
                "deferred": one.deferred,
                "opened": one.opened,
                "clicked": one.clicked,
                "complained": one.complained,
                "unsubscribed": one.unsubscribed,
            }
            for one in days
        ],
    }


def mailbox(one: Mailbox) -> dict[str, str]:
    return {"address": one.address, "name": one.name}


def mailboxes(several: Iterable[Mailbox]) -> list[dict[str, str]]:
    return [mailbox(one) for one in several]


def moment(at: datetime | None) -> str | None:
    """As in 2026-03-01T09:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
