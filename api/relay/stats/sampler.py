"""One reader of figures for all who watch a tenant: however many they are, the database is asked once a second."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

import psycopg

from api.public.database import Database
from api.relay.stats.watching import HEARTBEAT, Watch, metrics_event
from outbound.submission.pulse import Pulse, pulse_query, pulse_window

logger = logging.getLogger(__name__)

_SECOND = 1.0
_CHECK_KEYS_EVERY = 30  # events: a revoked key stops working within the minute
_GOOD_KEYS = """
SELECT k.id FROM public.tenants_apikey k JOIN public.tenants_tenant t ON t.id = k.tenant_id
WHERE k.id = ANY(%s) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND (t.is_active OR k.is_admin)
"""


class Watcher(Protocol):
    """Who is told."""

    watch: Watch

    def tell(self, event: bytes) -> None: ...

    def end(self) -> None: ...


class Samplers:
    """Those of a process, one for each tenant that is watched."""

    def __init__(self, conninfo: str) -> None:
        self._database = Database(conninfo, application="lettershop watchers")
        self._running: dict[str, _Sampler] = {}
        self._closing: asyncio.Task[None] | None = None

    def join(self, watcher: Watcher) -> None:
        schema = watcher.watch.schema
        if schema not in self._running:
            self._running[schema] = _Sampler(schema, self._database)
        self._running[schema].watchers.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        """The last one to leave ends the reading; when nobody is left at all, the connection is given back."""
        schema = watcher.watch.schema
        sampler = self._running.get(schema)
        if sampler is None:
            return
        sampler.watchers.discard(watcher)
        if not sampler.watchers:
            del self._running[schema]
            sampler.stop()
        if not self._running:
            self._closing = asyncio.get_running_loop().create_task(self._database.close())

    def end(self) -> None:
        """Send everybody away."""
        for sampler in list(self._running.values()):
            for watcher in list(sampler.watchers):
                watcher.end()

    @property
    def tenants(self) -> int:
        return len(self._running)


class _Sampler:
    def __init__(self, schema: str, database: Database) -> None:
        self.watchers: set[Watcher] = set()
        self._schema = schema
        self._database = database
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        loop, since, count = asyncio.get_running_loop(), datetime.now(UTC), 0
        due = loop.time()
        while True:
            due = max(due + _SECOND, loop.time())
            await asyncio.sleep(due - loop.time())
            now, count = datetime.now(UTC), count + 1
            try:
                event = await self._event(since, now)
                since = now
                if count % _CHECK_KEYS_EVERY == 0:
                    await self._send_away_revoked()
            except psycopg.Error as error:
                logger.warning("figures of %s cannot be read: %s", self._schema, error)
                event = HEARTBEAT
            for watcher in list(self.watchers):
                watcher.tell(event)

    async def _event(self, since: datetime, now: datetime) -> bytes:
        (row,) = await self._database.rows(pulse_query(self._schema), pulse_window(since, now))
        return metrics_event(Pulse(*row), now=now)

    async def _send_away_revoked(self) -> None:
        keys = {watcher.watch.key_id for watcher in self.watchers if watcher.watch.key_id is not None}
        good = {key for (key,) in await self._database.rows(_GOOD_KEYS, [list(keys)])}
        now = datetime.now(UTC)
        _end(watcher for watcher in list(self.watchers) if not _may_stay(watcher.watch, good, now))


def _may_stay(watch: Watch, good: set[int], now: datetime) -> bool:
    return (watch.key_id is None or watch.key_id in good) and (watch.until is None or watch.until > now)


def _end(watchers: Iterable[Watcher]) -> None:
    for watcher in watchers:
        watcher.end()
