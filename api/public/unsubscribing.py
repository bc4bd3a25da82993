"""An unsubscribe is in the database before it is confirmed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

from api.public.database import Database
from common.addresses import Address
from common.tokens import BadToken
from contacts.services.suppression_statements import by_address
from outbound.recording import Hit, Recorded, record_hits_async

_TRIES = 3
T = TypeVar("T")


class Unsubscriber:
    """All of it may be repeated without harm, so a lost connection or a deadlock is simply tried again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_recipient(self, schema: str, hit: Hit) -> None:
        """Suppress the recipient of a message and count it for that message.

        Raises BadToken when the message is gone and nobody knows any more whom it went to, and psycopg.Error.
        """
        recorded: Recorded = await self._persistently(
            lambda connection: record_hits_async(connection, schema=schema, hits=[hit])
        )
        if not recorded.suppressed:
            raise BadToken("This link is not valid any more.")

    async def by_address(self, schema: str, address: Address, *, origin: str, note: str) -> None:
        """Suppress an address, whether a contact has it or not. Raises psycopg.Error."""
        await self._persistently(
            lambda connection: connection.execute(
                by_address(schema),
                {
                    "emails": [address.text],
                    "keys": [address.key],
                    "reason": "unsubscribed",
                    "origin": origin,
                    "note": note,
                },
            )
        )

    async def _persistently(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return await self._once(work)
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)
        return await self._once(work)

    async def _once(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        async with self._database.use() as connection:
            return await work(connection)
