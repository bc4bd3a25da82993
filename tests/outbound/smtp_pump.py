"""The owner's side in the client's tests: hands out messages and keeps the books that must balance."""

import asyncio
import functools
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from outbound.smtp.pool import SmtpPool
from outbound.smtp.types import Outgoing, Reply, SmtpAccount, SmtpDown
from tests.outbound.smtp_server import SmtpServer

# What a server offers, by the way of sending that it leads to.
MODES = {
    "plain": ("8BITMIME", "SIZE 1000000"),
    "pipelined": ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000"),
    "chunked": ("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8"),
}

_LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Postbag:
    """A pump. What is returned goes back into the bag; a second end for one message is an error."""

    def __init__(self, *, give_again: bool = True) -> None:
        self.waiting: deque[Outgoing] = deque()
        self.out: dict[int, Outgoing] = {}
        self.handed: set[int] = set()
        self.accepted_lines: dict[int, bytes] = {}
        self.replies: dict[int, Reply] = {}
        self.doubts: dict[int, str] = {}
        self.returns: list[tuple[int, str]] = []
        self.downs: list[SmtpDown] = []
        self.ups = 0
        self.pulled_idle = 0
        self._give_again = give_again
        self._changed = asyncio.Event()

    def put(self, *messages: Outgoing) -> None:
        self.waiting.extend(messages)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something that was told to this pump makes `condition` true."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def settled(self, count: int) -> None:
        """`count` messages have had an end other than being returned."""
        await self.until(lambda: len(self.accepted_lines) + len(self.replies) + len(self.doubts) >= count)

    def next_message(self) -> Outgoing | None:
        self._changed.set()
        if not self.waiting:
            self.pulled_idle += 1
            return None
        message = self.waiting.popleft()
        assert message.cookie not in self.out, "handed out twice"
        self.out[message.cookie] = message
        return message

    def handed_over(self, cookie: int) -> None:
        assert cookie in self.out
        assert cookie not in self.handed, "handed over twice"
        self.handed.add(cookie)

    def accepted(self, cookie: int, line: bytes) -> None:
        assert cookie in self.handed, "accepted without having been handed over"
        self._end(cookie)
        self.accepted_lines[cookie] = line

    def replied(self, cookie: int, reply: Reply) -> None:
        assert 400 <= reply.code <= 599
        self._end(cookie)
        self.replies[cookie] = reply

    def returned(self, cookie: int, reason: str) -> None:
        assert cookie not in self.handed, "returned after having been handed over"
        message = self._end(cookie)
        self.returns.append((cookie, reason))
        if self._give_again:
            self.waiting.append(message)

    def in_doubt(self, cookie: int, reason: str) -> None:
        assert cookie in self.handed, "in doubt without having been handed over"
        self._end(cookie)
        self.doubts[cookie] = reason

    def provider_down(self, error: SmtpDown) -> None:
        self.downs.append(error)
        self._changed.set()

    def provider_up(self) -> None:
        self.ups += 1
        self._changed.set()

    def _end(self, cookie: int) -> Outgoing:
        self._changed.set()
        return self.out.pop(cookie)


def letter(cookie: int, *, size: int = 200, **changes: Any) -> Outgoing:
    """A message that can be told from all others by its sender, its recipient and its body."""
    line = b"%d bottles of beer on the wall, and no line begins with a dot\r\n" % cookie
    body = b"Subject: %d\r\n\r\n" % cookie + line * (size // len(line) + 1)
    given = {"sender": b"bounce-%d@acme.example" % cookie, "recipient": b"user%d@example.com" % cookie, "body": body}
    return Outgoing(cookie, **(given | changes))


@asynccontextmanager
async def sending(
    server: SmtpServer, bag: Postbag, *, tick_seconds: float = 0.05, **settings: Any
) -> AsyncIterator[SmtpPool]:
    """A pool at work for `bag`; at the end it is drained and nothing may be left."""
    account = SmtpAccount("127.0.0.1", server.port, **({"tls": "none"} | settings))
    pool = SmtpPool(account, bag, tick_seconds=tick_seconds, chance=lambda: 0.0)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.drain(5)
    assert not bag.out
    assert pool.in_flight == pool.open_connections == 0


def on_each_loop(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a test of a coroutine function: on asyncio's own loop and on uvloop, errors of the loop included."""

    @functools.wraps(story)
    def test(loop: str, **fixtures: Any) -> None:
        complaints: list[dict[str, Any]] = []

        async def told() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(60):
                await story(**fixtures)

        with asyncio.Runner(loop_factory=_LOOPS[loop]) as runner:
            runner.run(told())
        assert not complaints

    signature = inspect.signature(story)
    loop = inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    test.__signature__ = signature.replace(parameters=[loop, *signature.parameters.values()])  # type: ignore[attr-defined]
    return pytest.mark.parametrize("loop", list(_LOOPS))(test)
