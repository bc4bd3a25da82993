"""Clean-up: single messages that have long been over go, with all that was recorded of them. Campaigns stay.

A campaign's rows are its report, which people look at for years, and they are removed with the campaign; of a single
message nobody asks after its time. The totals that statistics read (Daily) stay too. A month of which nothing is to be
kept is dropped as partitions, which gives its space back; of others the rows go in batches, and their room is used again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from django.db import OperationalError, transaction
from psycopg import sql

from common.database import connection
from common.errors import Unavailable
from outbound.partitions import PARTITIONED, first_of_month
from outbound.recording.statements import LOCK, LOCKS
from outbound.recording.steps import tenant_turn
from outbound.services import cleanup_statements as statements
from outbound.submission.types import SubmissionState
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 500
DATED_BATCH = 5_000
_STATEMENT_MILLISECONDS = 15_000
_LOCK_MILLISECONDS = 2_000

_SENT = (SubmissionState.SENT, SubmissionState.DELIVERED)
_NOT_SENT = (
    SubmissionState.BOUNCED,
    SubmissionState.FAILED,
    SubmissionState.CANCELLED,
    SubmissionState.IN_DOUBT,
)


@dataclass(frozen=True, slots=True)
class DatedTable:
    """A table of webhook records whose rows go by their age. `condition`: SQL, which of them; `days`: none younger."""

    table: str
    column: str
    condition: str = "true"
    days: int = 0


@dataclass(frozen=True, slots=True)
class CleanupOrder:
    """What goes: messages made before `before` that were `sent` (or delivered), and those that `failed` (bounced,
    cancelled or in doubt). `dry_run`: it is only counted."""

    before: datetime
    sent: bool = True
    failed: bool = True
    dry_run: bool = False
    dated: tuple[DatedTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows, and bytes given back to the file system. Not `complete`: time was up, the same order again goes on."""

    messages: int = 0
    webhook_events: int = 0
    recipient_events: int = 0
    freed_bytes: int = 0
    complete: bool = True

    def __add__(self, other: "Cleaned") -> "Cleaned":
        return Cleaned(
            self.messages + other.messages,
            self.webhook_events + other.webhook_events,
            self.recipient_events + other.recipient_events,
            self.freed_bytes + other.freed_bytes,
            self.complete and other.complete,
        )


def clean_up(order: CleanupOrder, tenants: Sequence[Tenant], *, seconds: float) -> Cleaned:
    """Clean up one tenant after the other until it is done or `seconds` are over; each batch is a transaction.

    A dry run counts what a real one deletes. What somebody is at work on is left. Raises Unavailable when the database
    takes too long over one step; what was done before stays done.
    """
    until = time.monotonic() + seconds
    done = Cleaned()
    for tenant in tenants:
        with tenant_scope(tenant):
            for part in _parts(order, until):
                done += part
        if not done.complete:
            break
    return done


def _parts(order: CleanupOrder, until: float) -> Iterator[Cleaned]:
    try:
        for month in _months(order):
            if time.monotonic() >= until:
                yield Cleaned(complete=False)
                return
            yield _clean_month(order, month, until)
        for table in (DatedTable("outbound_news", "at"), *order.dated):
            yield _clean_dated(order, table, until)
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise Unavailable(
                "The database took too long over one step.", hint="Try again, or when there is less to do."
            ) from error
        raise


@dataclass(frozen=True, slots=True)
class _Month:
    """`is_held`: its submissions are still there; else an interrupted clean-up left the rest. `is_over`: all of it is
    old enough; `is_whole`: and all of it goes; `is_alone`: and no campaign is in it."""

    first: date
    is_held: bool
    is_over: bool
    is_whole: bool
    is_alone: bool
    sizes: dict[str, int]

    @property
    def droppable(self) -> list[str]:
        """Tables whose partitions of this month can go as they are."""
        if not self.is_whole:
            return []
        return [name for name in _DROPPED if name in self.sizes and (self.is_alone or name in _OWN)]


# Submissions first: when they are gone the month counts as begun. Each in a transaction of its own, so that never two
# tables are locked at once.
_OWN = ("outbound_submission", "outbound_attachment")
_DROPPED = (*_OWN, *(name for name in PARTITIONED if name not in _OWN))


def _months(order: CleanupOrder) -> list[date]:
    given = {"schema": connection.schema_name, "before": first_of_month(order.before.astimezone(UTC).date())}
    with _bounded() as cursor:
        cursor.execute(statements.MONTHS, given)
        return [month for (month,) in cursor.fetchall()]


def _standing(order: CleanupOrder, first: date) -> _Month:
    schema = connection.schema_name
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    is_over = datetime(following.year, following.month, 1, tzinfo=UTC) <= order.before
    partition = f'"{schema}".{_partition("outbound_submission", first)}'
    with _bounded() as cursor:
        cursor.execute(statements.STANDING, {**_terms(order, first), "partition": partition})
        is_held, all_go, is_alone = cursor.fetchone()
        partitions = [_partition(table, first) for table in PARTITIONED]
        cursor.execute(statements.SIZES, {"schema": schema, "partitions": partitions})
        sizes = {table: int(size) for table, size in cursor.fetchall()}
    return _Month(first, is_held, is_over, is_over and all_go, is_alone, sizes)


def _clean_month(order: CleanupOrder, first: date, until: float) -> Cleaned:
    month = _standing(order, first)
    if not month.is_held and not month.is_over:
        # Its partition is about to be made by whoever stores the first message in it.
        return Cleaned()
    counted = _count(order, month)
    if order.dry_run:
        return replace(counted, freed_bytes=sum(month.sizes[table] for table in month.droppable))
    if month.is_alone and month.droppable and _drop(order, month, month.droppable[0]):
        freed = month.sizes[month.droppable[0]]
        freed += sum(month.sizes[table] for table in month.droppable[1:] if _drop(order, month, table))
        rest = _delete_batches(order, replace(month, is_held=False), until)
        return replace(counted, freed_bytes=freed, complete=rest.complete)
    done = _delete_batches(order, month, until)
    if done.complete and month.droppable and not month.is_alone:
        done = replace(done, freed_bytes=sum(month.sizes[table] for table in _OWN if _drop_own(order, month, table)))
    return done


def _drop_own(order: CleanupOrder, month: _Month, table: str) -> bool:
    return table in month.droppable and _drop(order, month, table)


def _count(order: CleanupOrder, month: _Month) -> Cleaned:
    with _bounded() as cursor:
        cursor.execute(statements.COUNT if month.is_held else statements.COUNT_LEFT, _terms(order, month.first))
        messages, events = cursor.fetchone()
    return Cleaned(messages=messages, recipient_events=events)


def _drop(order: CleanupOrder, month: _Month, table: str) -> bool:
    """Whether the partition is gone: not when somebody uses it for long, or has begun one of its messages again."""
    name = sql.Identifier(connection.schema_name, _partition(table, month.first))
    try:
        with _bounded() as cursor:
            if table == "outbound_submission":
                cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
                cursor.execute(statements.STANDING, {**_terms(order, month.first), "partition": table})
                if not cursor.fetchone()[1]:
                    return False
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            return False
        raise
    return True


def _delete_batches(order: CleanupOrder, month: _Month, until: float) -> Cleaned:
    done = Cleaned()
    while time.monotonic() < until:
        part = _delete_batch(order, month)
        if part is None:
            return done
        done += part
    return replace(done, complete=False)


def _delete_batch(order: CleanupOrder, month: _Month) -> Cleaned | None:
    """None when nothing is left that nobody is at work on."""
    terms = {**_terms(order, month.first), "most": BATCH}
    with _bounded() as cursor:
        cursor.execute(statements.CHOOSE if month.is_held else statements.CHOOSE_LEFT, terms)
        chosen = [found for (found,) in cursor.fetchall()]
        # Recorders of these messages wait, and this waits for them before it holds a row: never both for each other.
        turns = sorted({message % LOCKS for message in chosen})
        cursor.execute(LOCK, [tenant_turn(connection.schema_name), turns])
        cursor.execute(statements.HOLD if month.is_held else statements.HOLD_LEFT, {**terms, "ids": chosen})
        ids = [found for (found,) in cursor.fetchall()]
        if not ids:
            return None
        events = 0
        for table in statements.OF_A_MONTH:
            cursor.execute(
                sql.SQL(statements.DELETE_OF_A_MONTH).format(table=sql.Identifier(table)),
                {"month": month.first, "ids": ids},
            )
            events += cursor.rowcount if table == statements.EVENTS else 0
        cursor.execute(statements.DELETE_TALLIES, {"ids": ids})
        cursor.execute(statements.DELETE_MESSAGES, {"ids": ids})
    return Cleaned(messages=len(ids) if month.is_held else 0, recipient_events=events)


def _clean_dated(order: CleanupOrder, table: DatedTable, until: float) -> Cleaned:
    before = min(order.before, datetime.now(UTC) - timedelta(days=table.days))
    words = {
        "table": sql.Identifier(table.table),
        "column": sql.Identifier(table.column),
        "condition": sql.SQL(table.condition),
    }
    if order.dry_run:
        with _bounded() as cursor:
            cursor.execute(sql.SQL(statements.COUNT_DATED).format(**words), {"before": before})
            return Cleaned(webhook_events=cursor.fetchone()[0])
    done = 0
    while time.monotonic() < until:
        with _bounded() as cursor:
            cursor.execute(sql.SQL(statements.DELETE_DATED).format(**words), {"before": before, "most": DATED_BATCH})
            gone = cursor.rowcount
        done += gone
        if gone < DATED_BATCH:
            return Cleaned(webhook_events=done)
    return Cleaned(webhook_events=done, complete=False)


def _terms(order: CleanupOrder, month: date) -> dict[str, Any]:
    states = (_SENT if order.sent else ()) + (_NOT_SENT if order.failed else ())
    return {"month": month, "before": order.before, "states": [str(state) for state in states]}


def _partition(table: str, month: date) -> str:
    return f"{table}_{month:%Y%m}"


@contextmanager
def _bounded() -> Iterator[Any]:
    """A transaction whose statements end in time, and that nobody has to queue up behind."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_MILLISECONDS}")
        cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        yield cursor
