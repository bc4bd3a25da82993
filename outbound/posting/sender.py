"""The process that sends single messages of all tenants: finds out who has some, and gives each tenant a desk."""

import asyncio
import gc
import logging
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from django.conf import settings

from outbound.posting.connections import DATABASE_AWAY, Desks
from outbound.posting.desk import Desk
from outbound.posting.heartbeat import BEAT_SECONDS, Heartbeat
from outbound.posting.letters import Letterheads
from outbound.posting.waiting import due_schemas, sweep, tenant_schemas
from tenants.services.settings import current

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_AWAY_SECONDS = 0.5
_REST_SECONDS = 10.0
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What a run did: recipients by outcome (outbound.states), and tenants whose mail could not be sent."""

    outcomes: Mapping[str, int]
    left_over: tuple[str, ...] = ()


def start(*, stop: Callable[[], bool], only: Collection[str] | None = None) -> Sent:
    """Send what is due, and what becomes due, until `stop()`; then finish what is in flight. `only`: of these schemas."""
    return _run(stop, only, once=False)


def process(*, only: Collection[str] | None = None, stop: Callable[[], bool] = lambda: False) -> Sent:
    """Send what is due now and return. Accounts that are down get 15 seconds to come up."""
    return _run(stop, only, once=True)


def _run(stop: Callable[[], bool], only: Collection[str] | None, *, once: bool) -> Sent:
    with _rare_collections():
        return uvloop.run(_Sender(only, once=once).run(stop))


class _Sender:
    def __init__(self, only: Collection[str] | None, *, once: bool) -> None:
        self._only = set(only) if only is not None else None
        self._once = once
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._journals = Path(settings.ENGINE_JOURNAL_DIR)
        self._letterheads = Letterheads()
        self._threads = Desks()
        self._poller = Desks(threads=1)  # never behind the desks' work
        self._heartbeat = Heartbeat(self._owner)
        self._desks: dict[str, tuple[Desk, asyncio.Task[None]]] = {}
        self._resting: dict[str, float] = {}
        self._counted: Counter[str] = Counter()
        self._beaten_at = self._swept_at = 0.0
        self._away = False

    async def run(self, stop: Callable[[], bool]) -> Sent:
        try:
            if self._once:
                await self._look_everywhere()
            while not stop() and not (self._once and self._is_quiet()):
                await self._look()
                await asyncio.sleep(_AWAY_SECONDS if self._away else _POLL_SECONDS)
            left_over = tuple(schema for schema, (desk, _) in self._desks.items() if not desk.is_quiet(patience=1e9))
            await self._end()
            return Sent(dict(self._counted), left_over if self._once else ())
        finally:
            await self._end()
            await self._poller.run(self._heartbeat.end)
            self._threads.close()
            self._poller.close()

    async def _look_everywhere(self) -> None:
        schemas = await self._poller.run(
            lambda: tenant_schemas(self._poller.connection(), None if self._only is None else sorted(self._only))
        )
        for schema in schemas:
            self._wake(schema)

    async def _look(self) -> None:
        """Who has something due? Nearly always the only question this process asks."""
        now = time.monotonic()
        try:
            if now - self._beaten_at > BEAT_SECONDS:
                self._beaten_at = now
                await self._poller.run(self._heartbeat.beat)
            if now - self._swept_at > await self._poller.run(lambda: current().process_interval):
                await self._poller.run(lambda: sweep(self._poller.connection()))
                self._swept_at = now
            due = await self._poller.run(lambda: due_schemas(self._poller.connection()))
        except DATABASE_AWAY as error:
            if not self._away:
                log.warning("the database is away, nothing new is taken", extra={"cause": str(error)})
            self._away = True
            return
        self._away = False
        for schema in due:
            if self._only is None or schema in self._only:
                self._wake(schema)

    def _wake(self, schema: str) -> None:
        held = self._desks.get(schema)
        if held is not None:
            held[0].poke()
            return
        if self._resting.get(schema, 0.0) > time.monotonic():
            return
        desk = Desk(
            schema, owner=self._owner, desks=self._threads, letterheads=self._letterheads, journals=self._journals
        )
        task = asyncio.get_running_loop().create_task(desk.run())
        self._desks[schema] = desk, task
        task.add_done_callback(lambda done: self._left(schema, done))

    def _left(self, schema: str, task: asyncio.Task[None]) -> None:
        desk, _ = self._desks.pop(schema)
        self._counted.update(desk.hand.counted)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # What it had in hand is recovered when the leases run out; the other tenants go on.
            log.error("a tenant's desk failed", exc_info=error, extra={"schema": schema})
            self._resting[schema] = time.monotonic() + _REST_SECONDS

    def _is_quiet(self) -> bool:
        return all(desk.is_quiet(patience=_PATIENCE_SECONDS) for desk, _ in self._desks.values())

    async def _end(self) -> None:
        tasks = [task for _, task in self._desks.values()]
        for desk, _ in list(self._desks.values()):
            desk.stop()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Nothing here makes cycles per message, and what waits alone would set the collector off again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
