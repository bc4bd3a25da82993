"""Talking to a server one command at a time, before the first message: coroutines instead of states."""

import asyncio
from collections import deque
from typing import cast

from outbound.smtp.replies import ProtocolViolation, RawReply, ReplyReader


class Conversation(asyncio.Protocol):
    """Commands and replies of a connection that is being set up. One caller at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._replies: deque[RawReply] = deque()
        self._lost: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def abort(self) -> None:
        """Closes the connection, if there is one."""
        if self._transport is not None:
            self._transport.abort()

    def speak_through(self, transport: asyncio.Transport) -> None:
        """Writes to `transport` from now on."""
        self._transport = transport

    async def command(self, line: bytes) -> RawReply:
        """Sends one command and returns its reply. Raises what `reply` raises."""
        assert self._transport is not None
        self._transport.write(line + b"\r\n")
        return await self.reply()

    async def reply(self) -> RawReply:
        """The next reply. ConnectionError when there will be none, ProtocolViolation when it is no reply."""
        while not self._replies:
            if self._lost is not None:
                raise self._lost
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._replies.popleft()

    def forget_input(self) -> None:
        """Drops what came before TLS: it was not protected, whoever sent it (RFC 3207 section 5)."""
        self._replies.clear()
        self._reader = ReplyReader()

    @property
    def is_quiet(self) -> bool:
        """The connection is open and the server has said nothing that was not asked for."""
        closing = self._transport is None or self._transport.is_closing() or self._lost is not None
        return not closing and not self._replies and self._reader.at_start

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._reader.feed(data))
        except ProtocolViolation as violation:
            self._lost = self._lost or violation
        self._notify()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._lost or exc or ConnectionResetError("the server closed the connection")
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
