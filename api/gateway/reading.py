"""The body of `POST /api/v1/send`: its types are checked here, everything else by the core."""

import re
from collections.abc import Mapping
from typing import Any

from api.gateway.errors import Fault, Unprocessable, not_an_object
from outbound.submission.checks import MOST_HEADERS
from outbound.submission.types import Door, Mailbox, Submission

# "1" and "1 (Highest)" alike: mail programs write both.
_PRIORITY = re.compile(r"\s{0,8}([1-5])(?!\w)")
_USUAL_PRIORITY = 3
_MISSING = ("Field required", "missing")
_NO_TEXT = ("Input should be a valid string", "string_type")
_NO_OBJECT = ("Input should be a valid dictionary", "dict_type")


def read(body: object) -> Submission:
    """One message; None is no body at all. Raises Unprocessable with everything that is wrong with its types.

    Of the headers Reply-To is the core's business, and X-Priority goes along as it is, and orders the queue.
    """
    if body is None:
        raise Unprocessable([Fault((), *_MISSING)])
    if not isinstance(body, Mapping):
        raise not_an_object()
    faults = [fault for name in ("to", "subject") if (fault := _needed(body, name))]
    faults += [fault for name in ("html_body", "text_body") if (fault := _optional(body, name))]
    if not faults and not body.get("html_body") and not body.get("text_body"):
        faults.append(Fault(("text_body" if "text_body" in body else "html_body",), *_MISSING))
    faults += _header_faults(body.get("headers"))
    if faults:
        raise Unprocessable(faults)
    headers = body.get("headers") or {}
    return Submission(
        door=Door.GATEWAY,
        to=(Mailbox(body["to"]),),
        subject=body["subject"],
        html=body.get("html_body") or "",
        text=body.get("text_body") or "",
        headers=tuple(headers.items()),
        priority=_priority(headers),
    )


def _priority(headers: Mapping[str, str]) -> int:
    given = next((value for name, value in headers.items() if name.lower() == "x-priority"), "")
    found = _PRIORITY.match(given)
    return int(found[1]) if found else _USUAL_PRIORITY


def _needed(body: Mapping[str, Any], name: str) -> Fault | None:
    if name not in body:
        return Fault((name,), *_MISSING)
    return None if isinstance(body[name], str) else Fault((name,), *_NO_TEXT)


def _optional(body: Mapping[str, Any], name: str) -> Fault | None:
    return None if isinstance(body.get(name), str | None) else Fault((name,), *_NO_TEXT)


def _header_faults(headers: object) -> list[Fault]:
    if headers is None:
        return []
    if not isinstance(headers, Mapping):
        return [Fault(("headers",), *_NO_OBJECT)]
    if len(headers) > MOST_HEADERS:
        words = f"Dictionary should have at most {MOST_HEADERS} items after validation, not {len(headers)}"
        return [Fault(("headers",), words, "too_long")]
    return [Fault(("headers", name), *_NO_TEXT) for name, value in headers.items() if not isinstance(value, str)]
