"""Errors as the relay says them: `{"success": false, "error": {code, message, details, request_id, timestamp}}`.

Codes of the reference (6.2) come with its status. Five of ours stand beside them for what the reference has no word for.
No request is read here, so that a door without a framework may use it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseFault

from api.access import NothingShown
from api.limits import TooManyCalls
from api.relay.moments import moment
from common.errors import Conflict, LettershopError, NotFound, QuotaExceeded, Refused, Unavailable
from tenants.services.usage import DailyQuotaExceeded

STATUS: Mapping[str, int] = {
    "AUTH_REQUIRED": 401,
    "INVALID_TOKEN": 401,
    "INSUFFICIENT_PERMISSIONS": 403,
    "WORKSPACE_ACCESS_DENIED": 403,
    "INVALID_REQUEST": 400,
    "MISSING_REQUIRED_FIELD": 400,
    "INVALID_EMAIL_FORMAT": 400,
    "MESSAGE_TOO_LARGE": 413,
    "RATE_LIMIT_EXCEEDED": 429,
    "QUOTA_EXCEEDED": 429,
    "MESSAGE_NOT_FOUND": 404,
    "RECIPIENT_NOT_FOUND": 404,
    "WORKSPACE_NOT_FOUND": 404,
    "QUEUE_FULL": 503,
    "PROVIDER_ERROR": 502,
    "ALL_PROVIDERS_DOWN": 503,
    "INTERNAL_ERROR": 500,
    "DATABASE_ERROR": 500,
    "MAINTENANCE_MODE": 503,
    # Ours.
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "SERVICE_UNAVAILABLE": 503,
}

# What the core calls it. A code that is not here is found by the kind of its error.
_CODES = {
    "invalid_api_key": "INVALID_TOKEN",
    "forbidden": "INSUFFICIENT_PERMISSIONS",
    "sender_refused": "INSUFFICIENT_PERMISSIONS",
    "recipient_suppressed": "INVALID_REQUEST",
    "invalid_input": "INVALID_REQUEST",
    "missing_field": "MISSING_REQUIRED_FIELD",
    "invalid_email": "INVALID_EMAIL_FORMAT",
    "too_large": "MESSAGE_TOO_LARGE",
    "body_too_large": "MESSAGE_TOO_LARGE",
    "message_not_found": "MESSAGE_NOT_FOUND",
    "recipient_not_found": "RECIPIENT_NOT_FOUND",
    "method_not_allowed": "METHOD_NOT_ALLOWED",
    "unsupported_media_type": "UNSUPPORTED_MEDIA_TYPE",
    "queue_full": "QUEUE_FULL",
    "provider_error": "PROVIDER_ERROR",
    "all_providers_down": "ALL_PROVIDERS_DOWN",
    "maintenance": "MAINTENANCE_MODE",
}
_KINDS: tuple[tuple[type[LettershopError], str], ...] = (
    (Refused, "INSUFFICIENT_PERMISSIONS"),
    (NotFound, "NOT_FOUND"),
    (Conflict, "CONFLICT"),
    (QuotaExceeded, "RATE_LIMIT_EXCEEDED"),
    (Unavailable, "SERVICE_UNAVAILABLE"),
)
# Fields of the core that have another name here, by the word before the first bracket or dot.
_FIELDS = {
    "html": "html_body",
    "text": "text_body",
    "reply_to": "headers.Reply-To",
    "priority": "headers.X-Priority",
    "send_at": "scheduling.send_at",
    "timezone": "scheduling.timezone",
    "variables": "personalization.variables",
    "campaign": "campaign_id",
    "user": "metadata.user_id",
    "end_user": "user",
    "tenant_id": "workspace_id",
    "sender": "from",
    "recipient": "to",
}
_RETRY_AFTER = 5


def refused(error: Exception, *, request_id: str, now: datetime) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. Of what nobody foresaw nothing is told: whoever calls this has logged it."""
    code = code_of(error)
    body = {
        "success": False,
        "error": {
            "code": code,
            "message": _encodable(_message(error, code)),
            "details": _details(error, now),
            "request_id": request_id,
            "timestamp": moment(now),
        },
    }
    return STATUS[code], body, _headers(error, now)


def code_of(error: Exception) -> str:
    """One of STATUS."""
    if isinstance(error, DatabaseFault):
        return "DATABASE_ERROR"
    if not isinstance(error, LettershopError):
        return "INTERNAL_ERROR"
    if error.field == "tenant_id" and error.code in ("forbidden", "not_found"):
        return "WORKSPACE_NOT_FOUND" if isinstance(error, NotFound) else "WORKSPACE_ACCESS_DENIED"
    if isinstance(error, NothingShown):
        return "AUTH_REQUIRED"
    if isinstance(error, DailyQuotaExceeded):
        return "QUOTA_EXCEEDED"
    if code := _CODES.get(error.code):
        return code
    return next((code for kind, code in _KINDS if isinstance(error, kind)), "INVALID_REQUEST")


def field_name(field: str) -> str:
    """A field of the core as this dialect's clients know it: `html` is `html_body`."""
    word = field.split(".", 1)[0].split("[", 1)[0]
    given = _FIELDS.get(word)
    if given is None:
        return field
    # A list here is one header there, so the place in the list says nothing.
    return given if given.startswith("headers.") else given + field[len(word) :]


def _message(error: Exception, code: str) -> str:
    if isinstance(error, LettershopError):
        return error.message
    if code == "DATABASE_ERROR":
        return "The database could not do this just now; it has been noted."
    return "Something went wrong here; it has been noted."


def _details(error: Exception, now: datetime) -> dict[str, Any]:
    if not isinstance(error, LettershopError):
        return {}
    details: dict[str, Any] = {}
    if error.field:
        details["field"] = _encodable(field_name(error.field))
    if error.hint:
        details["hint"] = _encodable(error.hint)
    # Several reasons share a code of the reference: the core's own word tells them apart.
    if error.code not in ("invalid_input", "not_found", "conflict", "forbidden", "quota_exceeded", "unavailable"):
        details["reason"] = error.code
    return details | _limit(error) | _until(error)


def _limit(error: LettershopError) -> dict[str, Any]:
    if isinstance(error, DailyQuotaExceeded):
        return {"limit": error.limit, "used": error.limit, "reset_at": moment(error.resets_at)}
    if isinstance(error, TooManyCalls):
        left = error.allowance
        reset_at = datetime.fromtimestamp(left.reset_at).astimezone()
        return {"limit": left.limit, "used": left.limit - left.remaining, "reset_at": moment(reset_at)}
    return {}


def _until(error: LettershopError) -> dict[str, Any]:
    until = getattr(error, "until", None)
    return {"expected_end": moment(until)} if isinstance(until, datetime) else {}


def _headers(error: Exception, now: datetime) -> dict[str, str]:
    headers = {name: str(value) for name, value in getattr(error, "headers", {}).items()}
    if isinstance(error, LettershopError) and error.temporary:
        headers.setdefault("Retry-After", str(getattr(error, "retry_after", _RETRY_AFTER)))
    if reset := headers.get("X-RateLimit-Reset"):
        headers["X-RateLimit-Reset-After"] = str(max(0, int(reset) - int(now.timestamp())))
    return headers


def _encodable(text: str) -> str:
    """Half characters, which JSON can escape and UTF-8 cannot write, may come back in names and quotes of a body."""
    return text.encode(errors="backslashreplace").decode()
