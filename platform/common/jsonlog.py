"""One JSON object a line in the log, so that no input can forge or break a line; secrets are masked wherever they stand."""

import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# The request that is being answered, for lines that do not name it themselves.
request_of_this_line: ContextVar[str] = ContextVar("request_of_this_line", default="")

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
_SECRET_WORDS = ("password", "secret", "token", "key", "authorization")
_DEEPEST = 6

# What stays readable of a key is its public prefix.
_OUR_KEY = re.compile(r"\b(ls_[0-9a-f]{12}_)[A-Za-z0-9_-]+")
_WEB_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"""(?P<name>\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"',;&}\])]+)""",
    re.IGNORECASE,
)


class JsonFormatter(logging.Formatter):
    """Fields: timestamp (2026-03-01T09:00:00.123Z), level (INFO), logger, message, request_id in a request, and whatever
    was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": _moment(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if request_id := request_of_this_line.get() or _request_of(record):
            line["request_id"] = request_id
        for name, value in record.__dict__.items():
            if name not in _STANDARD and not name.startswith("_"):
                line[name] = "***" if _is_secret(name) else _masked_value(value)
        if record.exc_info:
            line["error"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, default=_as_text, ensure_ascii=True)


def _moment(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request_of(record: logging.LogRecord) -> str:
    """Of lines that Django writes when the request has left everything else behind."""
    return str(getattr(getattr(record, "request", None), "META", {}).get("REQUEST_ID", ""))


def masked(text: str) -> str:
    """The text without keys, tokens and passwords."""
    text = _OUR_KEY.sub(r"\1***", text)
    text = _WEB_TOKEN.sub("***", text)
    text = _SCHEME.sub(r"\1\2***", text)
    return _ASSIGNED.sub(_mask_assigned, text)


def _mask_assigned(found: re.Match[str]) -> str:
    value = found["value"]
    if value.lower() in ("bearer", "basic"):
        # The scheme itself; what follows it is masked already.
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{found['name']}{quote}***{quote}"


def _masked_value(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return masked(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {
            str(name): "***" if _is_secret(str(name)) else _masked_value(inner, depth + 1)
            for name, inner in value.items()
        }
    if depth < _DEEPEST and isinstance(value, (list, tuple)):
        return [_masked_value(inner, depth + 1) for inner in value]
    return value


def _as_text(value: object) -> str:
    return masked(str(value))


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return not lowered.endswith("_id") and any(word in lowered for word in _SECRET_WORDS)
