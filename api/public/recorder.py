"""Hits wait in memory for a moment and are written by the batch: durable within two seconds.

When the database is away they wait, up to a limit; beyond it opens are given up first, because they say the
least. Nothing waits for ever unseen: what was dropped is counted and logged.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass, field

import psycopg

from api.public.database import Database
from outbound.recording import CommitUnknown, Hit, Recorded, record_hits_async
from outbound.states import EventKind

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 1.0  # seconds between two tries while the database is away
_COMPLAIN_EVERY = 10.0
_OPEN = int(EventKind.OPEN)
_GONE = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)


@dataclass(slots=True)
class Counters:
    """Since the start of the process."""

    recorded: int = 0
    repeated: int = 0
    unknown: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Batch:
    schema: str
    hits: list[Hit]
    doubt: Recorded | None = None  # sent to the database, and the answer to its commit was lost


@dataclass(slots=True)
class Recorder:
    """`limit` hits may wait; a batch is written when there are `batch` of them or after `interval` seconds."""

    database: Database
    limit: int = 200_000
    batch: int = 1_000
    interval: float = 0.2
    counters: Counters = field(default_factory=Counters)
    _opens: deque[tuple[str, Hit]] = field(default_factory=deque)
    _others: deque[tuple[str, Hit]] = field(default_factory=deque)
    _in_hand: int = 0
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _give_up_at: float | None = None
    _complained_at: float = -_COMPLAIN_EVERY
    _task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Hits that are not in the database yet."""
        return len(self._opens) + len(self._others) + self._in_hand

    def add(self, schema: str, hit: Hit) -> None:
        """Never blocks; on overload something is dropped, opens first."""
        waiting = self.waiting
        if waiting >= self.limit and not self._make_room(hit):
            return
        (self._opens if hit.kind == _OPEN else self._others).append((schema, hit))
        if waiting + 1 >= self.batch:
            self._enough.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace: float = 10.0) -> None:
        """Write what waits; with the database away, give up after `grace` seconds and say how much was lost."""
        if self._task is None:
            return
        self._give_up_at = time.monotonic() + grace
        self._enough.set()
        await self._task
        self._task = None
        await self.database.close()

    def _make_room(self, hit: Hit) -> bool:
        self.counters.dropped += 1
        self._complain("Too many hits wait for the database; some were dropped.")
        if hit.kind == _OPEN or not self._opens:
            return False
        self._opens.pop()
        return True

    async def _run(self) -> None:
        while self._give_up_at is None or self.waiting:
            if self._give_up_at is None:
                await self._until_due()
            for batch in self._take():
                await self._write(batch)

    async def _until_due(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.interval):
                await self._enough.wait()

    def _take(self) -> list[_Batch]:
        """The next batches, one for each tenant."""
        batches: dict[str, _Batch] = {}
        room = 2 * self.batch
        for queue in (self._others, self._opens):
            while queue and room:
                schema, hit = queue.popleft()
                batches.setdefault(schema, _Batch(schema, [])).hits.append(hit)
                room -= 1
        self._in_hand = sum(len(batch.hits) for batch in batches.values())
        if self.waiting - self._in_hand < self.batch:
            self._enough.clear()
        return list(batches.values())

    async def _write(self, batch: _Batch) -> None:
        """Until it is in the database, or is known to be impossible."""
        pause = 0.05
        size = len(batch.hits)
        try:
            while True:
                try:
                    return self._count(await self._try(batch))
                except CommitUnknown as unknown:
                    batch.doubt = unknown.recorded
                    self._complain(f"The answer to a commit was lost: {unknown}")
                except psycopg.OperationalError as error:  # away, restarting, a deadlock: all of it passes
                    self._complain(f"Hits cannot be recorded just now: {error}")
                except _GONE:
                    return self._lose(size, f"The tenant {batch.schema} is gone, so are its hits.")
                except psycopg.Error as error:
                    return await self._split(batch, error)
                except Exception:
                    # A fault of ours: it must not end the recorder, and it must be seen.
                    logger.exception("A batch of hits was lost.")
                    return self._lose(size, f"Hits of the tenant {batch.schema} cannot be recorded.")
                if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                    return self._lose(size, "The process ends while the database is away; hits were lost.")
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self._in_hand -= size

    async def _try(self, batch: _Batch) -> Recorded:
        async with self.database.use() as connection:
            if batch.doubt is not None:
                cursor = await connection.execute("SELECT pg_xact_status(%s::xid8)", [batch.doubt.transaction])
                row = await cursor.fetchone()
                status = row[0] if row else None
                if status == "committed":
                    return batch.doubt
                if status == "in progress":
                    raise CommitUnknown(batch.doubt)
                batch.doubt = None
            return await record_hits_async(connection, schema=batch.schema, hits=batch.hits)

    async def _split(self, batch: _Batch, error: psycopg.Error) -> None:
        """A hit that the database refuses must not take its neighbours along."""
        size = len(batch.hits)
        if size == 1:
            self._lose(1, f"A hit cannot be recorded: {error}")
            return
        self._in_hand += size  # each half takes its own part off again
        for half in (batch.hits[: size // 2], batch.hits[size // 2 :]):
            await self._write(_Batch(batch.schema, half))

    def _count(self, recorded: Recorded) -> None:
        self.counters.recorded += recorded.recorded
        self.counters.repeated += recorded.repeated
        self.counters.unknown += recorded.unknown

    def _lose(self, hits: int, why: str) -> None:
        self.counters.dropped += hits
        logger.error(why, extra={"hits": hits})

    def _complain(self, what: str) -> None:
        if time.monotonic() - self._complained_at >= _COMPLAIN_EVERY:
            self._complained_at = time.monotonic()
            logger.warning(what, extra={"waiting": self.waiting, "dropped": self.counters.dropped})
