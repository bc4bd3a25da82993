"""Sends that need nothing unusual are answered here, on the event loop; everything else goes to the dialect's view.

Unusual are: a key that was not checked within the last minute, a token, an admin key, a named workspace, an
Idempotency-Key, a large or oddly encoded body, templates to fill. Nothing is decided differently here: what is read,
checked, stored, counted and answered is done by the same functions.
"""

import json
import logging
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

from rest_framework.exceptions import ParseError

from api.access.end_users import on_behalf
from api.access.key_checks import known_state
from api.intake.committer import Committer
from api.intake.dialects import ROUTES, Dialect, Send
from api.limits import take_async
from api.parsing import StrictJSONParser
from api.public.answers import Receive, Scope
from api.public.answers import Send as Out
from api.public.requests import ClientGone, caller_of
from common.errors import LettershopError
from common.jsonlog import request_of_this_line
from common.metrics import HTTP_REQUESTS, HTTP_SECONDS
from outbound.submission.batches import Given
from outbound.submission.checks import checked
from outbound.submission.types import Accepted
from tenants.middleware import is_public_host
from tenants.models import Tenant
from tenants.scope import hosts

log = logging.getLogger("lettershop.requests")

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch
_UNUSUAL_FIELDS = frozenset({"workspace_id", "tenant_id", "personalization"})
_UNUSUAL = frozenset({b"authorization", b"x-workspace-id", b"idempotency-key", b"content-encoding", b"origin"})


@dataclass(frozen=True, slots=True)
class Request:
    """A send that can be answered here."""

    dialect: Dialect
    send: Send
    data: object
    request_id: str


class IntakeDoors:
    """Build it once a process. `forward` is the app that answers everything else."""

    def __init__(self, committer: Committer, forward: Any, *, behind_proxy: bool = False) -> None:
        self._committer = committer
        self._forward = forward
        self._behind_proxy = behind_proxy

    def matches(self, scope: Scope) -> bool:
        return scope["method"] == "POST" and (scope["path"].rstrip("/") or "/") in ROUTES

    async def stop(self) -> None:
        await self._committer.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Out) -> None:
        began = time.perf_counter()
        try:
            request, body = await self._usual(scope, receive)
        except ClientGone:
            return
        if request is None:
            await self._forward(scope, _again(body, receive), send)
            return
        # Until the end: lines that are written on the way belong to this request too.
        token = request_of_this_line.set(request.request_id)
        try:
            said = await self._answer(request)
            payload = json.dumps(said.told).encode()
            headers = _wire(said.headers, len(payload), request)
            await send({"type": "http.response.start", "status": said.status, "headers": headers})
            await send({"type": "http.response.body", "body": payload})
            _tell(request, scope["path"], said, time.perf_counter() - began)
        finally:
            request_of_this_line.reset(token)

    async def _usual(self, scope: Scope, receive: Receive) -> tuple[Request | None, bytes]:
        """The request, unless it must be looked at elsewhere, and what was read of its body by then."""
        path = scope["path"].rstrip("/")
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if (
            not _UNUSUAL.isdisjoint(headers)
            or len(headers) != len(scope["headers"])
            or not length.isdigit()
            or int(length) > ROUTES[path].largest()
            or not headers.get(b"content-type", b"").lower().startswith(b"application/json")
        ):
            return None, b""
        send = self._send(scope, path, headers)
        if send is None:
            return None, b""
        body = await _body(receive)
        try:
            data = StrictJSONParser().parse(BytesIO(body))
        except ParseError:
            return None, body
        if isinstance(data, dict) and not _UNUSUAL_FIELDS.isdisjoint(data):
            return None, body
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _SANE_ID(given) else uuid.uuid4().hex
        return Request(ROUTES[path], send, data, request_id), body

    def _send(self, scope: Scope, path: str, headers: Mapping[bytes, bytes]) -> Send | None:
        """Whose key it is, when that was checked lately and nothing else is to be asked."""
        state = known_state(headers.get(b"x-api-key", b"").decode("latin-1"))
        if state is None or state.caller.is_admin or "send" not in state.caller.scopes:
            return None
        came = caller_of(scope, behind_proxy=self._behind_proxy)
        if not state.admits(came.ip or ""):
            return None
        if not _is_at_home(state.caller.tenant, came.host):
            return None
        return Send(state.caller, came.ip or "", path)

    async def _answer(self, request: Request) -> "Said":
        dialect, now = request.dialect, datetime.now(UTC)
        # What a dialect says on every answer, on those that are one too many as well.
        headers = dialect.headers(request.send, None, now)
        logged: dict[str, Any] = {}
        try:
            headers = dialect.headers(request.send, await take_async(dialect.windows(request.send)), now)
            accepted = await self._submitted(request, now, logged)
        except Exception as error:
            if not isinstance(error, LettershopError):
                log.exception("a request failed", exc_info=error)
            status, told, more = dialect.refused(error, request_id=request.request_id, now=now)
            return Said(status, told, {**headers, **more}, logged)
        status, told = dialect.accepted(accepted)
        return Said(status, told, {**headers, **dialect.accepted_headers(accepted)}, logged)

    async def _submitted(self, request: Request, now: datetime, logged: dict[str, Any]) -> Accepted:
        caller, dialect = request.send.caller, request.dialect
        submission = on_behalf(caller, dialect.read(request.data))
        given = Given(checked(submission, now=now), dialect.submitter(caller))
        accepted = await self._committer.submit(caller.tenant, given)
        dialect.noted(request.send, submission, accepted)
        logged |= {"recipient": submission.to[0].address, "message_id": f"msg_{accepted.public_id}"}
        return accepted


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and what the log says of it besides."""

    status: int
    told: Mapping[str, Any]
    headers: Mapping[str, str]
    logged: Mapping[str, Any]


def _is_at_home(tenant: Tenant, host: str) -> bool:
    """Whether Django found out lately that this host is the tenant's, or nobody's in particular."""
    known, owner = hosts.recall(host)
    if owner is None:
        return known and is_public_host(host)
    return bool(owner.pk == tenant.pk or owner.schema_name == "public")


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read already comes first."""
    if not body:
        return receive
    held = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return held.pop() if held else await receive()

    return replayed


async def _body(receive: Receive) -> bytes:
    """No longer than its Content-Length, which the server sees to. Raises ClientGone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _wire(headers: Mapping[str, str], length: int, request: Request) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % length),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request.request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in headers.items()),
    ]


@lru_cache(maxsize=256)
def _measures(route: str, status: int) -> tuple[Any, Any]:
    """Looking them up by their labels takes longer than counting."""
    return HTTP_REQUESTS.labels("POST", route, status), HTTP_SECONDS.labels("POST", route)


def _tell(request: Request, path: str, said: Said, seconds: float) -> None:
    """The same line and figures as for calls that Django answers."""
    calls, durations = _measures(request.send.path[1:], said.status)
    calls.inc()
    durations.observe(seconds)
    if not log.isEnabledFor(logging.INFO):
        return
    log.info(
        "POST %s %s",
        path,
        said.status,
        extra={
            "tenant": request.send.caller.tenant.slug,
            "api_key_id": request.send.caller.key_id,
            "method": "POST",
            "path": path,
            "status": said.status,
            "duration_ms": round(seconds * 1000, 1),
            **said.logged,
        },
    )
