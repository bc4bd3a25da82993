"""One commit for all messages of a tenant that came while the last one was under way.

A request is answered when the transaction that holds its message is committed. Nobody waits for company: what has arrived
goes at once, and what comes meanwhile goes together.
"""

import asyncio
import logging
import select
from contextvars import Context
from datetime import UTC, date, datetime

from django.db import connections

from api.public.database import Database
from common.database import is_away
from common.errors import LettershopError, Unavailable
from outbound.partitions import ensure_month, first_of_month
from outbound.submission.batches import Given
from outbound.submission.submitting import submit_batch
from outbound.submission.types import Accepted
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 200
# From a socket to here a request takes two turns of the loop.
_QUIET_TURNS = 3
_MOST_TURNS = 16


class Committer:
    """Build it once a process, on its event loop."""

    def __init__(self, conninfo: str, *, connections: int = 4) -> None:
        self._free: asyncio.Queue[Database] = asyncio.Queue()
        for _ in range(connections):
            self._free.put_nowait(Database(conninfo, application="lettershop intake"))
        self._waiting: dict[str, list[tuple[Given, asyncio.Future[Accepted]]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._months: set[tuple[str, date]] = set()

    async def submit(self, tenant: Tenant, given: Given) -> Accepted:
        """Durable when this returns. Raises why it is not taken, and Unavailable while the database cannot be reached."""
        future: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant.schema_name, []).append((given, future))
        if tenant.schema_name not in self._tasks:
            # It works for many requests: what it logs is not that of the one that happened to come first.
            self._tasks[tenant.schema_name] = asyncio.create_task(self._work(tenant), context=Context())
        return await future

    async def stop(self) -> None:
        """Everything that was given is decided when this returns."""
        await asyncio.gather(*self._tasks.values())
        while not self._free.empty():
            await self._free.get_nowait().close()

    async def _work(self, tenant: Tenant) -> None:
        schema = tenant.schema_name
        try:
            while schema in self._waiting:
                await self._read_what_arrived(schema)
                waiting = self._waiting.pop(schema)
                batch, rest = waiting[:_MOST_AT_ONCE], waiting[_MOST_AT_ONCE:]
                if rest:
                    self._waiting[schema] = rest + self._waiting.get(schema, [])
                await self._decide(tenant, batch)
        finally:
            del self._tasks[schema]

    async def _read_what_arrived(self, schema: str) -> None:
        """Let the loop read the requests that lie in its sockets already: a batch under way stops for each of them anyway.

        No time passes where there are none, and not much where more and more come.
        """
        quiet, before = 0, 0
        for _ in range(_MOST_TURNS):
            now = len(self._waiting[schema])
            quiet, before = (quiet + 1, now) if now == before else (0, now)
            if quiet > _QUIET_TURNS or now >= _MOST_AT_ONCE:
                return
            await asyncio.sleep(0)

    async def _decide(self, tenant: Tenant, batch: list[tuple[Given, "asyncio.Future[Accepted]"]]) -> None:
        try:
            results = await self._stored(tenant, [given for given, _ in batch])
        except Exception as error:
            if is_away(error):
                log.warning("messages cannot be stored: the database is away", extra={"cause": str(error)})
                for _, future in batch:
                    _fail(future, Unavailable("Messages cannot be stored just now.", hint="Send it again in a moment."))
                return
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            # One of them cannot be stored, and nobody knows which: it must not take the others along.
            for one in batch:
                await self._decide(tenant, [one])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if isinstance(result, LettershopError):
                    _fail(future, result)
                elif not future.done():
                    future.set_result(result)

    async def _stored(self, tenant: Tenant, given: list[Given]) -> list[Accepted | LettershopError]:
        month = first_of_month(datetime.now(UTC).date())
        if (tenant.schema_name, month) not in self._months:
            await asyncio.to_thread(_make_month, tenant, month)
            self._months.add((tenant.schema_name, month))
        database = await self._free.get()
        try:
            await _drop_if_lost(database)
            async with database.use() as held:
                return await submit_batch(held, schema=tenant.schema_name, tenant_id=tenant.pk, given=given)
        finally:
            self._free.put_nowait(database)


async def _drop_if_lost(database: Database) -> None:
    """Nobody asked anything on it, so whatever the server has to say is that it went away: the next use connects anew.

    Without this the first message on each connection would be refused, however long ago the database was restarted.
    """
    async with database.use() as held:
        asked = select.poll()
        asked.register(held.fileno(), select.POLLIN)
        if asked.poll(0):
            await held.close()


def _make_month(tenant: Tenant, month: date) -> None:
    try:
        with tenant_scope(tenant):
            ensure_month(month)
    finally:
        connections.close_all()


def _fail(future: "asyncio.Future[Accepted]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
