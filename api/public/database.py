"""One asynchronous connection that comes back by itself. No search path: every table is named with its schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection

_OPTIONS = "-c search_path=pg_catalog -c jit=off"


class Database:
    """A connection of its own for each user of it; whoever `use`s it has it alone until the block ends."""

    def __init__(self, conninfo: str, *, application: str) -> None:
        self._conninfo = conninfo
        self._application = application
        self._connection: AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Raises psycopg.OperationalError while the database cannot be reached."""
        async with self._lock:
            yield await self._connected()

    async def rows(self, query: Any, parameters: Any) -> list[tuple[Any, ...]]:
        """Read once more on a new connection when the old one turns out to be dead: reading twice harms nobody."""
        async with self._lock:
            try:
                return await self._read(query, parameters)
            except psycopg.OperationalError:
                if self._connection is not None and not self._connection.closed:
                    raise
            return await self._read(query, parameters)

    async def close(self) -> None:
        async with self._lock:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    async def _read(self, query: Any, parameters: Any) -> list[tuple[Any, ...]]:
        connection = await self._connected()
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall()

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._conninfo,
                autocommit=True,
                prepare_threshold=2,
                application_name=self._application,
                options=_OPTIONS,
                connect_timeout=5,
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
            )
        return self._connection
