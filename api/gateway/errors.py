"""Errors as FastAPI says them: `{"detail": …}`, a sentence, or for 422 a list of `{"loc", "msg", "type"}`.

No request is read here, so that a door without a framework may use it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.access import Forbidden, Unauthenticated
from common.errors import Conflict, InvalidInput, LettershopError, NotFound, QuotaExceeded, Refused, Unavailable
from outbound.submission.faults import TooLarge

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: `place` leads to it from the body's top, `kind` is the name that Pydantic has for it."""

    place: Place
    message: str
    kind: str


class Unprocessable(InvalidInput):
    """Some fields are missing or of another type. All of them are told at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0].message)
        self.faults = tuple(faults)


class BodyTooLarge(TooLarge):
    """More bytes than this path reads."""

    def __init__(self) -> None:
        super().__init__("Request body too large")


class MethodNotAllowed(LettershopError):
    """The path does not know the method."""

    def __init__(self) -> None:
        super().__init__("Method Not Allowed")


STATUS: tuple[tuple[type[LettershopError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (MethodNotAllowed, 405),
    (TooLarge, 413),
    (InvalidInput, 422),
    (Refused, 422),
    (NotFound, 404),
    (Conflict, 409),
    (QuotaExceeded, 429),
    (Unavailable, 503),
)
"""The first that fits, so what is special stands before what is general."""

_KINDS = {"missing_field": "missing", "invalid_email": "value_error", "invalid_input": "value_error"}
_WORDS = {"html": "html_body", "text": "text_body"}
_STEP = re.compile(r"[^.\[\]]+")
_RETRY_AFTER = 5


def not_json(why: str, position: int) -> Unprocessable:
    """The body cannot be read from that character on."""
    return Unprocessable([Fault((position,), f"JSON decode error: {why}", "json_invalid")])


def not_an_object() -> Unprocessable:
    """There is a body, but it is no object."""
    words = "Input should be a valid dictionary or object to extract fields from"
    return Unprocessable([Fault((), words, "model_attributes_type")])


def refused(error: Exception, *, request_id: str, now: datetime) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. Of what nobody foresaw nothing is told: whoever calls this has logged it."""
    status = status_of(error)
    headers = {name: str(value) for name, value in getattr(error, "headers", {}).items()}
    if status in (429, 503):
        headers.setdefault("Retry-After", str(getattr(error, "retry_after", _RETRY_AFTER)))
    if not isinstance(error, LettershopError):
        return status, {"detail": "Internal Server Error"}, headers
    if status != 422:
        return status, {"detail": _encodable("Invalid API key" if status == 401 else str(error))}, headers
    faults = error.faults if isinstance(error, Unprocessable) else [_fault(error)]
    return status, {"detail": [_said(fault) for fault in faults]}, headers


def status_of(error: Exception) -> int:
    """500 for what nobody foresaw."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _fault(error: LettershopError) -> Fault:
    """What the core refused; its `headers.X-Foo` is the place ("headers", "X-Foo")."""
    head, dot, name = (error.field or "").partition("headers.")
    steps = ["headers", name] if dot and not head else _STEP.findall(error.field or "")
    if steps[:1] == ["to"]:
        # One address here, a list there.
        steps = ["to"]
    place = tuple(_WORDS.get(step, step) for step in steps if steps != ["from"])
    return Fault(place, _sentence(error), _KINDS.get(error.code, error.code))


def _sentence(error: LettershopError) -> str:
    if error.code == "missing_field":
        return "Field required"
    if error.code == "invalid_email":
        return f"value is not a valid email address: {error.message}"
    return str(error)


def _said(fault: Fault) -> dict[str, Any]:
    place = [_encodable(step) if isinstance(step, str) else step for step in fault.place]
    return {"loc": ["body", *place], "msg": _encodable(fault.message), "type": fault.kind}


def _encodable(text: str) -> str:
    """Half characters, which JSON can escape and UTF-8 cannot write, may come back in names and quotes of a body."""
    return text.encode(errors="backslashreplace").decode()
