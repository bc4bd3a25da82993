"""The engine's door to PostgreSQL: leases, rows, outcomes. Runs in one thread, on one plain connection.

Every table is named with its schema. Progress is written in absolute numbers and rows with ON CONFLICT, so that a
statement whose answer was lost can be sent again.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from common.database import connect
from common.metrics import EMAIL_SENDS
from contacts.services.suppressing import suppress_contacts
from outbound.compiler import MergeField
from outbound.engine import statements
from outbound.engine.journal import Journal, forget
from outbound.engine.projection import rows_query
from outbound.engine.recovery import recover
from outbound.engine.types import COUNTED_AS, Counts, Job, Lease, Unusual
from outbound.states import MessageState, RecipientState


@dataclass(slots=True)
class Progress:
    """What one lease adds to a flush; counts are absolute."""

    lease: Lease
    counts: Counts
    watermark: int
    released: bool
    sent: list[int]
    unusual: list[Unusual]


@dataclass(frozen=True, slots=True)
class Flushed:
    """What the database said to a flush."""

    message_state: str
    lost: set[int] = field(default_factory=set)


class Store:
    """One runner's connection. All methods block; the runner calls them on a thread of their own."""

    def __init__(
        self,
        job: Job,
        *,
        owner: str,
        fields: tuple[MergeField, ...],
        marketing: bool,
        journal_dir: Path,
        lease_seconds: float,
    ) -> None:
        self._job = job
        self._owner = owner
        self._journal_dir = journal_dir / job.schema
        self._lease_seconds = lease_seconds
        self._sql = statements.for_schema(job.schema)
        self._rows = rows_query(job.schema, fields, marketing=marketing)
        self._marketing = marketing
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()

    def take(self, window: int) -> Lease | None:
        """Lease a chunk, settle what an earlier owner left, fetch its rows. None: nothing is free."""
        connection = self._connected()
        row = connection.execute(
            self._sql.lease, {"owner": self._owner, "seconds": self._lease_seconds, "message": self._job.message_id}
        ).fetchone()
        if row is None:
            return None
        lease = _lease_of(row)
        lease.todo = list(range(lease.size))
        if lease.fence > 1:
            recover(connection, self._sql, self._job, lease, journal_dir=self._journal_dir)
        lease.journal = Journal.create(self._journal_dir, chunk_id=lease.chunk_id, fence=lease.fence, size=lease.size)
        self._begin(connection, lease, window)
        self._fetch(connection, lease)
        return lease

    def flush(self, progress: list[Progress]) -> Flushed:
        """Record outcomes and move the chunks in one transaction. Chunks whose lease was lost are named, not moved."""
        connection = self._connected()
        if any(item.unusual for item in progress):
            with connection.transaction():
                flushed = self._move(connection, progress)
                self._add_unusual(connection, [item for item in progress if item.lease.chunk_id not in flushed.lost])
        else:
            flushed = self._move(connection, progress)
        for item in progress:
            if item.lease.chunk_id in flushed.lost:
                self._settle_doubts(connection, item)
            else:
                _measure(item)
        return flushed

    def make_retries(self, *, all_of_them: bool = False) -> int:
        """Put deferred recipients that are due into chunks again. Returns how many recipients."""
        made = 0
        while True:
            rows = (
                self._connected()
                .execute(
                    self._sql.make_retries,
                    {"month": self._job.month, "message": self._job.message_id, "all": all_of_them},
                )
                .fetchall()
            )
            if not rows:
                return made
            made += sum(size for (size,) in rows)

    def finish(self) -> bool:
        """Mark the message finished when every recipient has an outcome. True when this call did it."""
        row = (
            self._connected()
            .execute(self._sql.finish, {"month": self._job.month, "message": self._job.message_id})
            .fetchone()
        )
        return row is not None

    def next_due(self) -> datetime | None:
        """When the earliest deferred recipient or foreign lease comes up; None when nothing waits."""
        row = (
            self._connected()
            .execute(self._sql.next_due, {"month": self._job.month, "message": self._job.message_id})
            .fetchone()
        )
        return row[0] if row else None

    def message_state(self) -> str:
        row = self._connected().execute(self._sql.message_state, [self._job.message_id]).fetchone()
        return row[0] if row else MessageState.CANCELLED

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = connect(application=f"lettershop engine {self._job.schema}")
        return self._connection

    def _begin(self, connection: psycopg.Connection[Any], lease: Lease, window: int) -> None:
        """Record what recovery found and raise the watermark, in one transaction: from then on the new journal counts."""
        counts = lease.counts.plus(len(lease.sent), lease.unusual)
        watermark = min(lease.size, (lease.todo[0] if lease.todo else lease.size) + window)
        with connection.transaction():
            if lease.sent or lease.unusual:
                found = [Progress(lease, counts, watermark, False, lease.sent, lease.unusual)]
                self._move(connection, found)
                self._add_unusual(connection, found)
            connection.execute(self._sql.raise_watermark, [watermark, lease.chunk_id, lease.fence])
        lease.counts, lease.watermark, lease.sent, lease.unusual = counts, watermark, [], []
        forget(self._journal_dir, chunk_id=lease.chunk_id, below_fence=lease.fence)

    def _fetch(self, connection: psycopg.Connection[Any], lease: Lease) -> None:
        lease.rows = [None] * lease.size
        ids = [lease.contact_ids[index] for index in lease.todo]
        for row in connection.execute(self._rows, [ids, lease.todo]):
            lease.rows[row[0]] = row
        blocked = {index: reason for index in lease.todo if (reason := self._blocked(lease.rows[index]))}
        if blocked:
            lease.unusual += [Unusual(index, state, None, reason) for index, (state, reason) in blocked.items()]
            lease.todo = [index for index in lease.todo if index not in blocked]

    def _blocked(self, row: tuple[Any, ...] | None) -> tuple[RecipientState, str] | None:
        if row is None or not row[1]:
            return RecipientState.CANCELLED, "the contact was deleted"
        if row[3]:
            return RecipientState.SUPPRESSED, "on the suppression list"
        if self._marketing and row[2] != "active":
            return RecipientState.SUPPRESSED, f"contact is {row[2]}"
        return None

    def _move(self, connection: psycopg.Connection[Any], progress: list[Progress]) -> Flushed:
        chunks: list[tuple[Any, ...]] = []
        positions: list[int] = []
        contacts: list[int] = []
        owners: list[int] = []
        attempts: list[int] = []
        for item in progress:
            lease, counts = item.lease, item.counts
            chunks.append(
                (
                    lease.chunk_id,
                    lease.fence,
                    item.watermark,
                    item.released,
                    counts.sent,
                    counts.deferred,
                    counts.bounced,
                    counts.failed,
                    counts.suppressed,
                    counts.in_doubt,
                    counts.cancelled,
                )
            )
            if item.sent:
                positions += map(lease.position, item.sent)
                contacts += map(lease.contact_ids.__getitem__, item.sent)
                owners += [lease.chunk_id] * len(item.sent)
                attempts += [lease.attempt] * len(item.sent)
        columns = [statements.array_text(column) for column in zip(*chunks, strict=True)]
        rows = connection.execute(
            self._sql.flush,
            {
                "chunks": columns[0],
                "fences": columns[1],
                "watermarks": columns[2],
                "released": columns[3],
                "sent": columns[4],
                "deferred": columns[5],
                "bounced": columns[6],
                "failed": columns[7],
                "suppressed": columns[8],
                "in_doubt": columns[9],
                "cancelled": columns[10],
                "owner": self._owner,
                "seconds": self._lease_seconds,
                "month": self._job.month,
                "message": self._job.message_id,
                "row_chunks": statements.array_text(owners),
                "row_positions": statements.array_text(positions),
                "row_contacts": statements.array_text(contacts),
                "row_attempts": statements.array_text(attempts),
            },
        ).fetchall()
        moved = {row[0] for row in rows}
        state = rows[0][1] if rows else self.message_state()
        return Flushed(state, {item.lease.chunk_id for item in progress} - moved)

    def _add_unusual(self, connection: psycopg.Connection[Any], progress: list[Progress]) -> None:
        rows = [
            (
                item.lease.position(one.index),
                item.lease.contact_ids[one.index],
                one.state,
                item.lease.attempt,
                one.code,
                one.reason,
                one.next_at,
            )
            for item in progress
            for one in item.unusual
        ]
        if not rows:
            return
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(self._sql.add_unusual, [self._job.month, self._job.message_id, *columns])
        hard = [row[1] for row in rows if row[2] == RecipientState.BOUNCED_HARD]
        if hard:
            with connection.cursor() as cursor:
                suppress_contacts(
                    cursor,
                    schema=self._job.schema,
                    contact_ids=hard,
                    reason="hard_bounce",
                    origin=f"message {self._job.message_id}",
                )

    def _settle_doubts(self, connection: psycopg.Connection[Any], item: Progress) -> None:
        """Facts of a chunk that somebody else leases now: they can only settle what was left in doubt."""
        positions = [item.lease.position(index) for index in item.sent]
        if positions:
            connection.execute(
                self._sql.settle_doubts,
                {
                    "month": self._job.month,
                    "message": self._job.message_id,
                    "positions": positions,
                    "chunk": item.lease.chunk_id,
                },
            )


def _measure(item: Progress) -> None:
    """For /metrics; called once what is counted is in the database."""
    EMAIL_SENDS.labels("sent").inc(len(item.sent))
    for outcome in item.unusual:
        EMAIL_SENDS.labels(COUNTED_AS[outcome.state]).inc()


def _lease_of(row: tuple[Any, ...]) -> Lease:
    chunk_id, fence, attempt, size, first_position, positions, contact_ids, watermark, handing_fence, *counts = row
    return Lease(
        chunk_id,
        fence,
        attempt,
        size,
        first_position,
        positions,
        contact_ids,
        watermark,
        handing_fence,
        Counts(*counts),
    )
