"""An unsubscribe is in the database before it is confirmed."""

import asyncio
from typing import Any

import psycopg

from api.public.database import Database
from common.addresses import Address
from contacts.services.suppression_statements import by_address
from outbound.recording import Hit, record_hits_async

_TRIES = 3


class Unsubscriber:
    """All of it may be repeated without harm, so a lost connection or a deadlock is simply tried again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_recipient(self, schema: str, hit: Hit) -> None:
        """Suppress the recipient of a message and count it for that message. Raises psycopg.Error."""
        await self._persistently(lambda connection: record_hits_async(connection, schema=schema, hits=[hit]))

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

    async def _persistently(self, work: Any) -> None:
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.use() as connection:
                    await work(connection)
                return
            except psycopg.OperationalError:
                if not left:
                    raise
                await asyncio.sleep(0.1)
