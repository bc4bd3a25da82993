"""What the gateway answers."""

from datetime import UTC
from typing import Any

from outbound.submission.types import Accepted
from tenants.services.usage import resets_at


def accepted(done: Accepted) -> tuple[int, dict[str, Any]]:
    """G1."""
    return 202, {"message": "Email queued for delivery", "message_id": f"msg_{done.public_id}"}


def quota_headers(done: Accepted) -> dict[str, str]:
    """How much of the day's limit is left; nothing where there is no limit."""
    if done.quota_limit is None:
        return {}
    resets = resets_at(done.queued_at.astimezone(UTC).date())
    return {
        "X-RateLimit-Limit": str(done.quota_limit),
        "X-RateLimit-Remaining": str(done.quota_left),
        "X-RateLimit-Reset": str(int(resets.timestamp())),
    }
