"""The paths of sends, and how each dialect reads, counts and answers there: its own functions, named once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import api.aegis.answers
import api.aegis.errors
import api.aegis.reading
import api.gateway.answers
import api.gateway.errors
import api.gateway.reading
import api.hosting.answers
import api.hosting.errors
import api.hosting.reading
import api.relay.answers
import api.relay.errors
import api.relay.reading
from api.access import Caller
from api.gateway.sending import note_accepted, submitter_of
from api.gateway.size import largest_body
from api.limits import Allowance, Window, aegis_windows, call_windows, hosting_windows, relay_windows
from api.relay.base import relay_headers
from outbound.submission.types import Accepted, Submission, Submitter

# Larger ones take long to read and check: in a thread they hold up nobody.
LARGEST_HERE = 64 * 1024
Refusal = tuple[int, Mapping[str, Any], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Send:
    """A call that is answered here: who calls from where, on which path."""

    caller: Caller
    address: str
    path: str


def _own_quota(caller: Caller) -> Submitter:
    return Submitter(caller.key_id, caller.daily_limit)


def _as_large_as_any() -> int:
    return LARGEST_HERE


def _no_headers(_: Any) -> Mapping[str, str]:
    return {}


def _only_the_limit(_: Send, allowance: Allowance | None, __: datetime) -> Mapping[str, str]:
    return allowance.headers() if allowance is not None else {}


def _unnoted(_: Send, __: Submission, ___: Accepted) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """Nothing here waits. `headers` are those of every answer (None: the call is not counted yet), `accepted_headers` those
    of a 202 besides; `noted` is told what was taken. `largest`: bytes of a body; the view says what becomes of larger ones."""

    read: Callable[[object], Submission]
    accepted: Callable[[Accepted], tuple[int, Mapping[str, Any]]]
    refused: Callable[..., Refusal]
    windows: Callable[[Send], Sequence[Window]]
    largest: Callable[[], int] = field(default=_as_large_as_any)
    submitter: Callable[[Caller], Submitter] = field(default=_own_quota)
    headers: Callable[[Send, Allowance | None, datetime], Mapping[str, str]] = field(default=_only_the_limit)
    accepted_headers: Callable[[Accepted], Mapping[str, str]] = field(default=_no_headers)
    noted: Callable[[Send, Submission, Accepted], None] = field(default=_unnoted)


def _relay_headers(send: Send, allowance: Allowance | None, now: datetime) -> Mapping[str, str]:
    return {**_only_the_limit(send, allowance, now), **relay_headers(send.path, send.caller.tenant, allowance, now=now)}


def _note_of_gateway(send: Send, submission: Submission, done: Accepted) -> None:
    note_accepted(done, recipient=submission.to[0].address, key_id=send.caller.key_id)


_AEGIS = Dialect(
    read=api.aegis.reading.read,
    accepted=api.aegis.answers.accepted,
    refused=api.aegis.errors.refused,
    windows=lambda send: aegis_windows(send.caller, send.caller.tenant, endpoint="POST /send"),
)
_GATEWAY = Dialect(
    read=api.gateway.reading.read,
    accepted=api.gateway.answers.accepted,
    refused=api.gateway.errors.refused,
    windows=lambda send: call_windows(send.caller, send.caller.tenant),
    largest=lambda: min(LARGEST_HERE, largest_body()),
    submitter=lambda caller: submitter_of(caller, caller.tenant),
    accepted_headers=api.gateway.answers.quota_headers,
    noted=_note_of_gateway,
)
_RELAY = Dialect(
    read=api.relay.reading.read,
    accepted=api.relay.answers.accepted,
    refused=api.relay.errors.refused,
    windows=lambda send: relay_windows(send.caller, send.caller.tenant, method="POST", path=send.path),
    headers=_relay_headers,
)
_HOSTING = Dialect(
    read=api.hosting.reading.read,
    accepted=api.hosting.answers.accepted,
    refused=api.hosting.errors.refused,
    windows=lambda send: hosting_windows(send.caller, send.caller.tenant, address=send.address),
)

ROUTES: Mapping[str, Dialect] = {
    "/send": _AEGIS,
    "/api/v1/send": _GATEWAY,
    "/api/messages": _RELAY,
    "/v1/messages": _RELAY,
    "/api/v1/messages": _RELAY,
    "/api/v1/emails": _HOSTING,
}
