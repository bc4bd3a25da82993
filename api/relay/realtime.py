"""The door to figures that go on: GET /api/stats/realtime, a stream for as long as somebody watches. A bare ASGI app.

Django decides who is let in, as for every other call, and its answer is what a watcher gets who is not. Whoever is let in
costs no thread after that: the stream is written on the event loop. A watcher who does not read is left behind after ten
seconds; all streams end when the server is told to stop.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

from api.public.answers import Receive, Scope, Send
from api.relay.stats.sampler import Samplers
from api.relay.stats.watching import ADMITTED, OPENING, Watch

_PATHS = frozenset({"/api/stats/realtime", "/v1/stats/realtime", "/api/v1/stats/realtime"})
_SLOW_SECONDS = 10.0
# Events that may wait for one watcher; of a hurried second the next one tells as much.
_MOST_WAITING = 5
_STOPPING = (signal.SIGTERM, signal.SIGINT)
# Of Django's answer; what is written now has no length, and goes on after it.
_LEFT_OUT = frozenset({b"content-length", b"connection"})


class RealtimeDoor:
    """Build it once a process, over the app that admits."""

    def __init__(self, admit: Callable[[Scope, Receive, Send], Any], conninfo: str) -> None:
        self._admit = admit
        self._conninfo = conninfo
        self._samplers: Samplers | None = None
        self._ended = False

    def matches(self, scope: Scope) -> bool:
        """Whether this request is for this door."""
        return scope["method"] == "GET" and scope["path"].rstrip("/") in _PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Any] = []

        async def hold(message: Any) -> None:
            """Refusals pass; of a watcher who is let in the answer is finished here."""
            if ADMITTED in scope:
                held.append(message)
            else:
                await send(message)

        await self._admit(scope, receive, hold)
        if held:
            await self._stream(scope[ADMITTED], held, receive, send)

    def end(self) -> None:
        """No stream goes on after this, and none begins."""
        self._ended = True
        if self._samplers is not None:
            self._samplers.end()

    async def _stream(self, watch: Watch, admitted: list[Any], receive: Receive, send: Send) -> None:
        start, *bodies = admitted
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in _LEFT_OUT]
        first = OPENING + b"".join(message.get("body", b"") for message in bodies)
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        watcher = _Watcher(watch)
        samplers = self._running()
        samplers.join(watcher)
        leaving = asyncio.create_task(_see_leave(receive, watcher))
        try:
            if self._ended:
                watcher.end()
            await watcher.follow(send)
        finally:
            samplers.leave(watcher)
            leaving.cancel()

    def _running(self) -> Samplers:
        """Made with the first watcher: then there is a loop, and the server has its own handlers for signals in place."""
        if self._samplers is None:
            self._samplers = Samplers(self._conninfo)
            if threading.current_thread() is threading.main_thread():
                _call_before(asyncio.get_running_loop(), self.end)
        return self._samplers


class _Watcher:
    """One stream. Ends with None among its events."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ends = False

    def tell(self, event: bytes) -> None:
        if self._events.qsize() < _MOST_WAITING:
            self._events.put_nowait(event)

    def end(self) -> None:
        self._ends = True
        self._events.put_nowait(None)

    async def follow(self, send: Send) -> None:
        while True:
            event = await self._events.get()
            if event is None or self._ends:
                break
            if not await _sent(send, {"type": "http.response.body", "body": event, "more_body": True}):
                return
        await _sent(send, {"type": "http.response.body", "body": b""})


async def _sent(send: Send, message: Any) -> bool:
    """False for a watcher who has not read what came before."""
    try:
        async with asyncio.timeout(_SLOW_SECONDS):
            await send(message)
    except TimeoutError:
        return False
    return True


async def _see_leave(receive: Receive, watcher: _Watcher) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.end()


def _call_before(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """When the server is told to stop it waits for open answers: ours must end first."""
    for number in _STOPPING:
        before = signal.getsignal(number)

        def handle(received: int, frame: Any, before: Any = before) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(what)
            if callable(before):
                before(received, frame)

        if callable(before):
            signal.signal(number, handle)
