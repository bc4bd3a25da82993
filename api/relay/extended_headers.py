"""Headers that are meant for the relay, not for the recipient: read, applied, and taken out of the message."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import InvalidInput
from outbound.submission.checks import MOST_HEADERS

_PRIORITIES = {"highest": 1, "urgent": 1, "high": 2, "normal": 3, "medium": 3, "low": 4, "lowest": 5}
_LONGEST_METADATA = 16_384
# Those that say nothing here: the workspace is a field of the body, the rest is for the SMTP door.
_TAKEN_OUT = frozenset(
    {
        "x-workspace-id",
        "x-retry-count",
        "x-enable-personalization",
        "x-llm-model",
        "x-personalization-context",
    }
)


@dataclass(frozen=True, slots=True)
class Extended:
    """What they said; what they left out is as it is without them."""

    priority: int = 3
    campaign: str = ""
    user: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reply_to: str = ""


def read_headers(given: Mapping[str, Any]) -> tuple[Extended, tuple[tuple[str, str], ...]]:
    """What the relay's own headers say, and the headers that are left for the message. Raises InvalidInput."""
    if len(given) > MOST_HEADERS:
        raise InvalidInput(f"A message has at most {MOST_HEADERS} headers of its own.", field="headers")
    said: dict[str, Any] = {}
    left: list[tuple[str, str]] = []
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidInput("The value of a header must be text.", field=f"headers.{name[:80]}")
        if not _read(name.lower(), value, f"headers.{name}", said):
            left.append((name, value))
    return Extended(**said), tuple(left)


def _read(name: str, value: str, place: str, said: dict[str, Any]) -> bool:
    """Whether it is one of the relay's own, or has a field of its own in a submission."""
    if name == "x-priority":
        said["priority"] = _priority(value, place)
    elif name == "x-metadata":
        said["metadata"] = _metadata(value, place)
    elif name in ("x-campaign-id", "x-user-id"):
        said[name[2:-3]] = value.strip()
    elif name == "reply-to":
        if "reply_to" in said:
            raise InvalidInput("Whom to answer is said twice.", field=place)
        said["reply_to"] = value
    else:
        return name in _TAKEN_OUT
    return True


def _priority(value: str, place: str) -> int:
    """A word, or a number as mail programs write it: `1`, `1 (Highest)`."""
    word = (value.split() or [""])[0].lower()
    if word in _PRIORITIES:
        return _PRIORITIES[word]
    if word in ("1", "2", "3", "4", "5"):
        return int(word)
    raise InvalidInput(
        "The priority is a number from 1 (first) to 5, or a word.", field=place, hint="Words: high, normal, low."
    )


def _metadata(value: str, place: str) -> dict[str, Any]:
    try:
        given = json.loads(value) if len(value) <= _LONGEST_METADATA else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InvalidInput("This must be a JSON object of at most 16 KiB.", field=place)
    return given
