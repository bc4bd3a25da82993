"""Errors as Aegis says them: `{"error", "message", "code", "timestamp"[, "field"][, "retry_after"]}`.

No request is read here, so that a door without a framework may use it.
"""

import re
from datetime import UTC, datetime
from typing import Any

from api.access import Forbidden, Unauthenticated
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
from outbound.submission.ids import UnknownMessage
from tenants.services.usage import DailyQuotaExceeded

TITLES = {
    400: "Validation Failed",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class MalformedRequest(InvalidInput):
    """What came is no JSON, or does not say that it is."""

    code = "invalid_json"


class WrongType(InvalidInput):
    """A field is not of the type that it has."""


class BodyTooLarge(TooLarge):
    """More bytes than this path reads."""

    def __init__(self) -> None:
        super().__init__("The body is larger than this path takes.")


class MethodNotAllowed(LettershopError):
    """The path does not know the method."""


CODES: tuple[tuple[type[LettershopError], int, str], ...] = (
    (Unauthenticated, 401, "INVALID_API_KEY"),
    (Forbidden, 403, "FORBIDDEN"),
    (MethodNotAllowed, 405, "METHOD_NOT_ALLOWED"),
    (MalformedRequest, 400, "INVALID_JSON"),
    (MissingField, 400, "MISSING_FIELD"),
    (InvalidAddress, 400, "INVALID_EMAIL"),
    (InvalidMailbox, 400, "INVALID_EMAIL"),
    (TooManyRecipients, 400, "TOO_MANY_RECIPIENTS"),
    (TooLarge, 413, "PAYLOAD_TOO_LARGE"),
    (RecipientSuppressed, 400, "RECIPIENT_SUPPRESSED"),
    (SenderRefused, 400, "SENDER_REFUSED"),
    (Refused, 403, "FORBIDDEN"),
    (UnknownMessage, 404, "MESSAGE_NOT_FOUND"),
    (NotFound, 404, "NOT_FOUND"),
    (Conflict, 409, "CONFLICT"),
    (InvalidInput, 400, "VALIDATION_FAILED"),
    (DailyQuotaExceeded, 429, "QUOTA_EXCEEDED"),
    (QuotaExceeded, 429, "RATE_LIMIT_EXCEEDED"),
    (QueueFull, 503, "QUEUE_FULL"),
    (ProvidersDown, 503, "SMTP_UNAVAILABLE"),
    (Maintenance, 503, "MAINTENANCE"),
    (Unavailable, 503, "SERVICE_UNAVAILABLE"),
)
"""Every code with its status. The first that fits, so what is special stands before what is general."""

FAULT = "INTERNAL_ERROR"
# The words of Aegis' own reference, whatever the core says.
_SENTENCES = {
    "INVALID_API_KEY": "Invalid API key",
    "INVALID_EMAIL": "Invalid email address",
    "RATE_LIMIT_EXCEEDED": "Rate limit exceeded. Try again later.",
    "MESSAGE_NOT_FOUND": "Message not found",
}
_WORDS = {"html": "body", "text": "body", "reply_to[0]": "replyTo", "from": None}
_MAILBOX = re.compile(r"(?P<list>to|cc|bcc)\[\d+\]")
_RETRY_AFTER = 5


def refused(error: Exception, *, request_id: str, now: datetime) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. Of what nobody foresaw nothing is told: whoever calls this has logged it."""
    status, code = verdict(error)
    body: dict[str, Any] = {
        "error": TITLES[status],
        "message": _encodable(_message(error, code)),
        "code": code,
        "timestamp": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    if isinstance(error, LettershopError) and (field := field_name(error)):
        body["field"] = _encodable(field)
    headers = {name: str(value) for name, value in getattr(error, "headers", {}).items()}
    if status in (429, 503):
        headers.setdefault("Retry-After", str(getattr(error, "retry_after", _RETRY_AFTER)))
        body["retry_after"] = int(headers["Retry-After"])
    return status, body, headers


def verdict(error: Exception) -> tuple[int, str]:
    """Status and code."""
    return next(((status, code) for kind, status, code in CODES if isinstance(error, kind)), (500, FAULT))


def field_name(error: LettershopError) -> str | None:
    """The field that an error is about as Aegis' clients know it: `attachments[0].filename` is `attachments[0].name`."""
    field = error.field
    if field is None or field in _WORDS:
        return _WORDS.get(field or "")
    field = field.replace("].filename", "].name")
    found = _MAILBOX.fullmatch(field)
    if found is None or isinstance(error, WrongType):
        return field
    is_about_name = type(error) is InvalidInput
    if found["list"] == "to":
        return "toName" if is_about_name else "to"
    return f"{field}.{'name' if is_about_name else 'email'}"


def _message(error: Exception, code: str) -> str:
    if not isinstance(error, LettershopError):
        return "Something went wrong here; it has been noted."
    return _SENTENCES.get(code) or str(error)


def _encodable(text: str) -> str:
    """Half characters, which JSON can escape and UTF-8 cannot write, may come back in names and quotes of a body."""
    return text.encode(errors="backslashreplace").decode()
