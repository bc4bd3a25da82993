"""Errors that no view says, in the words of the dialect whose path was asked for."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import api.aegis.errors
import api.gateway.errors
import api.hosting.errors
import api.relay.errors
from api.access import Forbidden
from common.errors import InvalidInput, LettershopError, NotFound, Unavailable
from outbound.submission.faults import TooLarge

Refusal = tuple[int, Mapping[str, Any], Mapping[str, str]]

# The first that fits. API v2 and the webhooks of providers are none of these.
_DIALECTS: tuple[tuple[re.Pattern[str], Callable[..., Refusal] | None], ...] = (
    (re.compile(r"/api/v2(/|\Z)"), None),
    (re.compile(r"/api/v1/emails(/|\Z)"), api.hosting.errors.refused),
    (re.compile(r"/api/v1/send(/|\Z)"), api.gateway.errors.refused),
    (re.compile(r"/(send|status)"), api.aegis.errors.refused),
    (re.compile(r"/(api|v1)/"), api.relay.errors.refused),
)
_KINDS: Mapping[int, tuple[type[LettershopError], str]] = {
    400: (InvalidInput, "This request cannot be understood."),
    403: (Forbidden, "That is not allowed."),
    404: (NotFound, "There is no such path."),
    413: (TooLarge, "The body is larger than this path takes."),
}


def refused_in_dialect(status: int, *, path: str, request_id: str) -> Refusal | None:
    """Status, body and headers of what Django refused with `status`. None: say it as API v2 does."""
    refused = next((words for pattern, words in _DIALECTS if pattern.match(path)), None)
    if refused is None or (status < 500 and status not in _KINDS):
        return None
    return refused(_error(status), request_id=request_id, now=datetime.now(UTC))


def _error(status: int) -> Exception:
    if status == 503:
        return Unavailable("The database cannot be reached just now.", hint="Send it again in a moment.")
    if status >= 500:
        return RuntimeError("nobody foresaw this")
    kind, sentence = _KINDS[status]
    return kind(sentence)
