"""Listens, counts the connections, and stops without losing a message."""

import asyncio
from asyncio import Future
from collections import Counter
from typing import Any

from common.smtpd.connection import Connection
from common.smtpd.handler import Handler
from common.smtpd.settings import SmtpdSettings

_BACKLOG = 1024


class SmtpServer:
    """One server on any number of addresses.

    `stop()` closes the listeners, answers 421 to the clients that wait, and lets messages that are
    being sent or stored come to their end.
    """

    def __init__(self, settings: SmtpdSettings, handler: Handler) -> None:
        self.settings = settings
        self.handler = handler
        self.buffered = 0
        self.stopping = False
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._per_peer: Counter[str] = Counter()
        self._deliveries: set[Future[Any]] = set()
        self._idle = asyncio.Event()

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def start(self, host: str | None = "127.0.0.1", port: int = 0, *, reuse_port: bool = False) -> int:
        """Listen there too; the port, chosen by the system for 0. Raises OSError if it is taken."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: Connection(self), host, port, backlog=_BACKLOG, reuse_port=reuse_port or None
        )
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def stop(self, grace: float = 30.0) -> None:
        """After `grace` seconds what is still busy is cut: without a reply, its sender will try again."""
        self.stopping = True
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.leave()
        try:
            await asyncio.wait_for(self._wait_until_idle(), grace)
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort()
            for delivery in list(self._deliveries):
                delivery.cancel()
            await self._wait_until_idle()

    async def _wait_until_idle(self) -> None:
        while self._connections or self._deliveries:
            self._idle.clear()
            await self._idle.wait()

    # --- told by the connections

    def opened(self, connection: Connection, peer: str) -> bool:
        most_per_peer = self.settings.max_connections_per_peer
        if most_per_peer is not None and self._per_peer[peer] >= most_per_peer:
            return False
        if len(self._connections) >= self.settings.max_connections:
            return False
        self._connections.add(connection)
        self._per_peer[peer] += 1
        return True

    def closed(self, connection: Connection, peer: str) -> None:
        self._connections.discard(connection)
        self._per_peer[peer] -= 1
        if not self._per_peer[peer]:
            del self._per_peer[peer]
        self._notice_idleness()

    def delivering(self, delivery: "Future[Any]") -> None:
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: "Future[Any]") -> None:
        self._deliveries.discard(delivery)
        self._notice_idleness()

    def _notice_idleness(self) -> None:
        if not self._connections and not self._deliveries:
            self._idle.set()
