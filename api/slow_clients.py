"""Slow clients before an app that works in threads: they wait on the event loop, and hold no thread.

Django reads a body and writes an answer in a thread, of which there are a few. Without this, as many clients as there
are threads, each of which sends a byte a minute, keep everybody else out (slowloris).

- A body up to AHEAD bytes is here before a thread is taken.
- A larger one is read by a thread as it comes, but all of these together never hold more than some of the threads.
- Who sends less than SLOWEST bytes a second, or reads nothing for PATIENCE seconds, is given up.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from api.public.answers import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]

AHEAD = 1024 * 1024  # bytes
PATIENCE = 30.0  # seconds in which nothing has to come, of a body or of a client who reads
SLOWEST = 8 * 1024  # bytes a second, beyond that patience


class BodyLost(OSError):
    """The client went away, or is too slow. An OSError, as reading from a broken connection raises."""


class SlowClients:
    """`large` bodies of more than AHEAD bytes at once are given to `app`; the next ones wait."""

    def __init__(self, app: App, *, large: int, patience: float = PATIENCE) -> None:
        self._app = app
        self._large = asyncio.Semaphore(large)
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send, self._patience)
        length = _length(scope)
        if length == 0:
            await self._app(scope, receive, reply.send)
            return
        body = _Body(receive, self._patience)
        try:
            is_whole = (length is None or length <= AHEAD) and await body.read_ahead()
        except BodyLost:
            await _too_slow(reply.send)
            return
        async with contextlib.nullcontext() if is_whole else self._large:
            await self._app(scope, body.receive, reply.send)


class _Body:
    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive = receive
        self._patience = patience
        self._ahead: list[Any] = []
        self._size = 0
        self._waited = 0.0  # seconds. While an app is busy with something else nothing is waited for

    async def read_ahead(self) -> bool:
        """Whether all of it is here. Raises BodyLost."""
        while self._size <= AHEAD:
            message = await self._next()
            self._ahead.append(message)
            if not message.get("more_body"):
                break
        self._ahead.reverse()
        return self._size <= AHEAD

    async def receive(self) -> Any:
        """As ASGI has it, but that a body which breaks off is an error and not its end."""
        return self._ahead.pop() if self._ahead else await self._next()

    async def _next(self) -> Any:
        left = self._patience + self._size / SLOWEST - self._waited
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(left, self._patience)):
                message = await self._receive()
        except TimeoutError:
            raise BodyLost("The body comes too slowly.") from None
        if message["type"] == "http.disconnect":
            raise BodyLost("The client left before its body had arrived.")
        self._waited += time.monotonic() - began
        self._size += len(message.get("body", b""))
        return message


class _Reply:
    """What is sent to a client who does not read goes nowhere, so that the thread which makes it comes to its end."""

    def __init__(self, send: Send, patience: float) -> None:
        self._send = send
        self._patience = patience
        self._is_given_up = False

    async def send(self, message: Any) -> None:
        if self._is_given_up:
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._send(message)
        except TimeoutError:
            # The server closes a connection whose answer has no end.
            self._is_given_up = True


async def _too_slow(send: Send) -> None:
    """408, RFC 9110, 15.5.9."""
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": head})
    await send({"type": "http.response.body", "body": b"The body did not arrive in time. Send it again.\n"})


def _length(scope: Scope) -> int | None:
    """In bytes; None where it is not told beforehand (chunked)."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
        if name == b"transfer-encoding":
            length = None
    return length
