"""Running the steps of a batch, on whichever connection the caller has."""

from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from psycopg import AsyncConnection

from outbound.recording.hits import Hit
from outbound.recording.steps import Recorded, Step, Steps, recording, settling


class Cursor(Protocol):
    """psycopg's cursor or Django's."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchall(self) -> list[Any]: ...


def record_hits(cursor: Cursor, *, schema: str, hits: Sequence[Hit]) -> Recorded:
    """Record a batch of the tenant `schema`: events, engagement, tallies, recipients' states, suppression.

    The caller opens the transaction and commits it. Unknown messages and positions are counted, never an error
    for the rest. Whatever comes a second time, other than opens and clicks, counts once.
    """
    return _run(cursor, recording(schema, hits))


class CommitUnknown(psycopg.OperationalError):
    """The connection was lost during the commit: pg_xact_status() of `recorded.transaction` tells whether it was made."""

    def __init__(self, recorded: Recorded) -> None:
        super().__init__(f"transaction {recorded.transaction}")
        self.recorded = recorded


async def record_hits_async(connection: AsyncConnection[Any], *, schema: str, hits: Sequence[Hit]) -> Recorded:
    """The same on an asynchronous connection, in a transaction of its own that is committed on return.

    Raises CommitUnknown, besides what psycopg raises.
    """
    steps = recording(schema, hits)
    step = _advance(steps, None)
    try:
        # In a pipeline only the statements whose rows are asked for are waited for.
        async with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            while not isinstance(step, Recorded):
                await cursor.execute(step.statement, step.parameters)
                step = _advance(steps, await cursor.fetchall() if step.rows else [])
    except psycopg.OperationalError as error:
        if isinstance(step, Recorded):
            raise CommitUnknown(step) from error
        raise
    return step


def settle_message(cursor: Cursor, *, schema: str, message_id: int) -> None:
    """At the end of a message: apply what was told of recipients while the sender was still at work on them.

    A bounce can arrive before the row of its recipient, an open while a chunk is leased. Harmless when it is
    called again.
    """
    _run(cursor, settling(schema, message_id))


def _run(cursor: Cursor, steps: Steps) -> Recorded:
    step = _advance(steps, None)
    while not isinstance(step, Recorded):
        cursor.execute(step.statement, step.parameters)
        step = _advance(steps, cursor.fetchall() if step.rows else [])
    return step


def _advance(steps: Steps, rows: list[Any] | None) -> Step | Recorded:
    try:
        return steps.send(rows)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        recorded: Recorded = end.value
        return recorded
