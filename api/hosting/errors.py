"""Errors as the hosting service says them: `{"success": false, "error": {"code", "message", …}, "requestId"}`."""

import re
from datetime import datetime
from typing import Any

from api.access import Forbidden, Unauthenticated
from api.limits import TooManyCalls
from common.addresses import InvalidAddress, InvalidMailbox
from common.errors import Conflict, InvalidInput, LettershopError, NotFound, QuotaExceeded, Refused, Unavailable
from outbound.submission.faults import (
    Maintenance,
    MissingField,
    ProvidersDown,
    QueueFull,
    RecipientSuppressed,
    SenderRefused,
    TooLarge,
    TooManyRecipients,
)

# The first that fits, so what is special stands before what is general.
_WORDS: tuple[tuple[type[LettershopError], int, str], ...] = (
    (Unauthenticated, 401, "UNAUTHORIZED"),
    (Forbidden, 403, "FORBIDDEN"),
    (SenderRefused, 403, "SENDER_NOT_VERIFIED"),
    (RecipientSuppressed, 403, "RECIPIENT_SUPPRESSED"),
    (Refused, 403, "FORBIDDEN"),
    (NotFound, 404, "NOT_FOUND"),
    (Conflict, 409, "CONFLICT"),
    (TooLarge, 413, "PAYLOAD_TOO_LARGE"),
    (MissingField, 400, "MISSING_FIELD"),
    (TooManyRecipients, 400, "TOO_MANY_RECIPIENTS"),
    (InvalidAddress, 400, "INVALID_EMAIL"),
    (InvalidMailbox, 400, "INVALID_EMAIL"),
    (InvalidInput, 400, "VALIDATION_ERROR"),
    (TooManyCalls, 429, "RATE_LIMIT_EXCEEDED"),
    (QuotaExceeded, 429, "QUOTA_EXCEEDED"),
    (QueueFull, 503, "QUEUE_FULL"),
    (ProvidersDown, 503, "PROVIDERS_UNAVAILABLE"),
    (Maintenance, 503, "MAINTENANCE"),
    (Unavailable, 503, "SERVICE_UNAVAILABLE"),
)
# What is no kind of its own in the core.
_BY_CODE = {
    "invalid_json": (400, "INVALID_JSON"),
    "bad_request": (400, "BAD_REQUEST"),
    "method_not_allowed": (405, "METHOD_NOT_ALLOWED"),
    "body_too_large": (413, "PAYLOAD_TOO_LARGE"),
    "unsupported_media_type": (415, "UNSUPPORTED_MEDIA_TYPE"),
}
_FIELDS = {
    "send_at": "scheduledAt",
    "reply_to": "replyTo",
    "content_type": "contentType",
    "content_id": "cid",
    # Of a list's filter.
    "sender": "from",
    "recipient": "to",
}
_NAME = re.compile("|".join(rf"(?<![^.]){name}(?![^.\[])" for name in _FIELDS))
_WAIT_SECONDS = 5


def refused(error: Exception, *, request_id: str, now: datetime) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. Of what nobody foresaw nothing is told: whoever calls this has logged it.

    `now` is for dialects that tell the time of an error; this one does not.
    """
    if not isinstance(error, LettershopError):
        message = "Something went wrong here; it has been noted."
        return 500, error_body("INTERNAL_ERROR", message, request_id=request_id), {}
    status, code = _status_and_code(error)
    headers = {name: str(value) for name, value in getattr(error, "headers", {}).items()}
    details: dict[str, Any] = {"hint": error.hint} if error.hint else {}
    if error.temporary:
        wait = int(getattr(error, "retry_after", _WAIT_SECONDS))
        headers.setdefault("Retry-After", str(wait))
        details["retryAfter"] = wait
    body = error_body(code, error.message, request_id=request_id, field=_own(error.field), details=details)
    return status, body, headers


def error_body(
    code: str, message: str, *, request_id: str, field: str | None = None, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`field` and `details` are left out where there are none."""
    told: dict[str, Any] = {"code": code, "message": _encodable(message)}
    if field:
        told["field"] = _encodable(field)
    if details:
        told["details"] = {
            name: _encodable(value) if isinstance(value, str) else value for name, value in details.items()
        }
    return {"success": False, "error": told, "requestId": request_id}


def _status_and_code(error: LettershopError) -> tuple[int, str]:
    if said := _BY_CODE.get(error.code):
        return said
    found = ((status, code) for kind, status, code in _WORDS if isinstance(error, kind))
    return next(found, _BY_CODE["bad_request"])


def _own(field: str | None) -> str | None:
    """The core's name of a field in this dialect's words. A header's own name stays as it is."""
    if field is None or field.startswith("headers."):
        return field
    return _NAME.sub(lambda found: _FIELDS[found[0]], field)


def _encodable(text: str) -> str:
    """Half characters, which JSON can escape and UTF-8 cannot write, may come back in names and quotes of a body."""
    return text.encode(errors="backslashreplace").decode()
