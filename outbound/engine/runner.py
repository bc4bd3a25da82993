"""Runs the engine over one message's chunks: lease, feed, send, flush, until nothing is left or it is told to stop."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import psycopg

from outbound.engine.pump import ChunkPump
from outbound.engine.store import Progress, Store
from outbound.rates import SharedRate
from outbound.smtp.pool import SmtpPool
from outbound.smtp.types import SmtpAccount
from outbound.states import MessageState

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_TICK = 0.2  # seconds between flushes when few outcomes come in
_LOW_WATER = 2_000  # rows that wait to be pulled: two chunks ahead of the one being sent
_FIRST_WINDOW, _LAST_WINDOW = 100, 1_000
_DRAIN_SECONDS = 60.0
_DOWN_PATIENCE = 10.0
_DATABASE_PATIENCE = 20.0


class End(StrEnum):
    """Why a run ended."""

    NOTHING_LEFT = "nothing left"  # for this process: others may still lease chunks
    SLICE_OVER = "slice over"  # others shall have their turn
    STOPPED = "stopped"  # this process is asked to end
    NOT_SENDING = "not sending"  # paused, cancelled
    PROVIDER_DOWN = "provider down"
    NO_JOURNAL = "no journal"  # the disk is full or cannot be written: nothing may be handed over
    REFUSED = "refused"  # the sender, or the mail itself


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `why` has words for people when a provider was the reason."""

    end: End
    handed_over: int
    why: str = ""


class Runner:
    """One process's part in sending one message. Use once."""

    def __init__(
        self,
        *,
        store: Store,
        pump: ChunkPump,
        account: SmtpAccount,
        rate: SharedRate | None,
        lease_seconds: float,
    ) -> None:
        self._store = store
        self._pump = pump
        self._pool = SmtpPool(account, pump)
        self._rate = rate
        self._lease_seconds = lease_seconds
        self._window = _FIRST_WINDOW
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine-db")
        self._wake = asyncio.Event()
        self._state = MessageState.SENDING.value
        self._renewed_at = 0.0
        self._dry = False
        self._no_journal = ""

    def attend(self) -> None:
        """Ask the loop to look now: outcomes wait, or rows run out."""
        self._wake.set()

    async def run(self, *, stop: Callable[[], bool], slice_seconds: float) -> Ended:
        """Send until one of the reasons in `End` holds. Every outcome is in the database when it returns."""
        over_at = time.monotonic() + slice_seconds
        if self._rate is not None:
            self._pump.permits = 0
        try:
            await self._in_thread(self._store.make_retries)
            await self._feed()
            if not self._pump.leases:
                return self._ended(End.NO_JOURNAL if self._no_journal else End.NOTHING_LEFT)
            await self._pool.start()
            end = await self._until_end(stop, over_at)
            await self._drain(stop)
            return self._ended(end)
        finally:
            self._pool.abort()
            self._pump.let_go()
            self._store.close()
            self._thread.shutdown()

    async def _until_end(self, stop: Callable[[], bool], over_at: float) -> End:
        while True:
            await self._pause()
            await self._flush(stop, release=False)
            if self._state == MessageState.SENDING:
                await self._feed()
            await self._permit()
            self._pool.wake()
            end = self._reason_to_end(stop, over_at)
            if end is not None:
                return end

    def _reason_to_end(self, stop: Callable[[], bool], over_at: float) -> End | None:
        pump = self._pump
        if stop():
            return End.STOPPED
        if self._state != MessageState.SENDING:
            return End.NOT_SENDING
        if pump.refused is not None:
            return End.REFUSED
        if self._no_journal:
            return End.NO_JOURNAL
        if pump.given_up_on_provider(_DOWN_PATIENCE):
            return End.PROVIDER_DOWN
        if self._dry and not pump.unpulled and not pump.in_flight:
            return End.NOTHING_LEFT
        return End.SLICE_OVER if time.monotonic() > over_at else None

    async def _feed(self) -> None:
        """Lease chunks until enough rows wait. Several small ones count as one, so that a crash leaves few open."""
        self._dry = False
        while self._pump.unpulled < _LOW_WATER and len(self._pump.leases) < 6:
            asked = time.monotonic()
            try:
                lease = await self._in_thread(self._store.take, self._window)
            except psycopg.OperationalError as error:
                log.warning("the database is away, no chunk can be leased", extra={"cause": str(error)})
                self._store.close()
                return
            except OSError as error:
                self._no_journal = (
                    f"The sender cannot write its journal ({error.strerror}). Free space in {error.filename}."
                )
                return
            if lease is None:
                self._dry = True
                return
            if not self._renewed_at:
                self._renewed_at = asked
            self._pump.add(lease)
            if len(self._pump.leases) == 1:
                self._pump.renewed(asked)

    async def _flush(self, stop: Callable[[], bool], *, release: bool) -> None:
        """Record what happened. While the database is away nothing is handed over, and this keeps trying."""
        if self._pump.starved_by_watermark:
            self._window = min(_LAST_WINDOW, self._window * 2)
        everything = time.monotonic() - self._renewed_at > self._lease_seconds / 4
        progress = self._pump.take_progress(window=self._window, release=release, everything=everything)
        if not progress:
            return
        was_open, away_since = self._pump.open, 0.0
        while True:
            asked = time.monotonic()
            try:
                flushed = await self._in_thread(self._store.flush, progress)
            except psycopg.OperationalError as error:
                self._pump.open = False
                self._store.close()
                away_since = away_since or asked
                log.warning("the database is away, sending waits", extra={"cause": str(error)})
                if stop() and asked - away_since > _DATABASE_PATIENCE:
                    raise
                await asyncio.sleep(0.5)
                continue
            break
        if self._pump.refused is None:
            self._pump.open = was_open
        self._after_flush(progress, flushed.message_state, flushed.lost, asked, everything)

    def _after_flush(
        self, progress: list[Progress], state: str, lost: set[int], asked: float, everything: bool
    ) -> None:
        self._state = state
        if lost:
            log.warning("leases were lost to another worker", extra={"chunks": sorted(lost)})
        self._pump.flushed(progress, lost)
        if everything or len(progress) >= len(self._pump.leases):
            self._renewed_at = asked
            self._pump.renewed(asked)

    async def _drain(self, stop: Callable[[], bool]) -> None:
        """Finish what is in flight, record it, give the chunks back."""
        self._pump.open = False
        await self._pool.drain(_DRAIN_SECONDS)
        self._pool.abort()
        await self._flush(stop, release=True)

    async def _permit(self) -> None:
        if self._rate is not None and self._pump.permits is not None and self._pump.unpulled:
            wanted = int(self._rate.capacity - self._pump.permits)
            if wanted > 0:
                given = await self._in_thread(self._rate.take, wanted)
                self._pump.permits += given  # not in one step: meanwhile some of them were used

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), _TICK if self._rate is None else _TICK / 4)
        self._wake.clear()

    async def _in_thread(self, work: Callable[..., Result], *args: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _ended(self, end: End) -> Ended:
        why = ""
        if end == End.REFUSED:
            why = self._pump.refused or ""
        elif end == End.PROVIDER_DOWN:
            why = str(self._pump.down)
        elif end == End.NO_JOURNAL:
            why = self._no_journal
        return Ended(end, self._pump.handed_over_total, why)
