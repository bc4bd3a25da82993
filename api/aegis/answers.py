"""What Aegis answers, field by field."""

from datetime import UTC, datetime
from typing import Any

from api.aegis.scrubbing import scrubbed
from outbound.submission.details import MessageDetail, Standing
from outbound.submission.types import Accepted, SubmissionState

_SENTENCES = {
    SubmissionState.SCHEDULED: "Email scheduled for later delivery",
    SubmissionState.QUEUED: "Email queued for delivery",
    SubmissionState.DEFERRED: "Email delivery deferred, it will be tried again",
    SubmissionState.SENT: "Email delivered successfully",
    SubmissionState.DELIVERED: "Email delivered successfully",
    SubmissionState.BOUNCED: "Email bounced",
    SubmissionState.FAILED: "Email delivery failed",
    SubmissionState.CANCELLED: "Email cancelled",
    SubmissionState.IN_DOUBT: "Email handed over, its delivery was not confirmed",
}
_LOST = (SubmissionState.FAILED, SubmissionState.BOUNCED)
_LOST_RECIPIENTS = (Standing.FAILED, Standing.BOUNCED, Standing.SUPPRESSED)
_UNTOLD = "Email delivery failed"


def accepted(done: Accepted) -> tuple[int, dict[str, Any]]:
    """A1."""
    return 202, {"success": True, "message": "Email queued successfully", "message_id": f"msg_{done.public_id}"}


def standing(message: MessageDetail, *, now: datetime) -> dict[str, Any]:
    """A2. Whoever has the id may ask, so nothing is told of who wrote what to whom by which way."""
    name = f"msg_{message.public_id}"
    body: dict[str, Any] = {
        "message_id": name,
        "lookup_date": message.queued_at.astimezone(UTC).date().isoformat(),
        "timestamp": moment(now),
        "status": str(message.state),
        "message": _SENTENCES[message.state],
    }
    if message.state in _LOST:
        body["details"] = {"message_id": name, **_loss(message)}
    return body


def moment(at: datetime) -> str:
    """`2024-08-02T19:30:00+00:00`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _loss(message: MessageDetail) -> dict[str, Any]:
    """Of the recipient that was lost last."""
    lost = [one for one in message.recipients if one.state in _LOST_RECIPIENTS]
    last = max(lost, key=lambda one: one.at, default=None)
    return {
        "failed_at": moment(last.at if last is not None else message.processed_at or message.queued_at),
        "attempts": last.attempts if last is not None else 0,
        "last_error": scrubbed((last.reason if last is not None else "") or message.error) or _UNTOLD,
    }
