"""What the doors answer, ready for ASGI."""

import random
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch
_NO_STORE = (b"cache-control", b"private, no-store, no-cache, max-age=0, must-revalidate")

# 1 x 1, transparent, 43 bytes: the smallest GIF that every mail program shows as nothing.
PIXEL = bytes.fromhex(
    "474946383961 0100 0100 80 00 00 000000 ffffff 21f904 01 0000 00 00 2c 0000 0000 0100 0100 00 02 02 4401 00 3b"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` hold content-length; the body is left out for HEAD."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""


def answer(status: int, content_type: str, body: bytes, extra: Iterable[Header] = ()) -> Answer:
    return Answer(
        status,
        (
            (b"content-type", content_type.encode()),
            (b"content-length", b"%d" % len(body)),
            _NO_STORE,
            (b"x-content-type-options", b"nosniff"),
            *extra,
        ),
        body,
    )


@lru_cache(maxsize=4096)
def redirect(location: bytes) -> Answer:
    """302, never remembered by anybody: the next click is a click again."""
    return Answer(302, ((b"location", location), (b"content-length", b"0"), _NO_STORE))


def not_allowed(allowed: bytes) -> Answer:
    return answer(405, "text/plain; charset=utf-8", b"This address does not take that method.\n", [(b"allow", allowed)])


def options(allowed: bytes) -> Answer:
    return Answer(204, ((b"allow", allowed), _NO_STORE))


# Few headers, because the server spends a microsecond on each; so do the redirects.
PIXEL_ANSWER = Answer(200, ((b"content-type", b"image/gif"), (b"content-length", b"43"), _NO_STORE), PIXEL)


async def send_answer(send: Send, scope: Scope, given: Answer, *, numbered: bool) -> None:
    """With the caller's X-Request-ID, if that is sane; a `numbered` answer gets a new one otherwise."""
    headers: Sequence[Header] = given.headers
    request_id = _given_request_id(scope) or (_new_request_id() if numbered else b"")
    if request_id:
        headers = (*headers, (b"x-request-id", request_id))
    await send({"type": "http.response.start", "status": given.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else given.body})


def _given_request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID(value):
            given: bytes = value
            return given
    return b""


def _new_request_id() -> bytes:
    """It only has to be telling, not secret."""
    return b"%032x" % random.getrandbits(128)
