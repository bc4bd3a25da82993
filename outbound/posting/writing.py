"""Writing down what became of recipients: one transaction a flush, sets only."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from common.metrics import EMAIL_SENDS
from contacts.services.suppression_statements import by_address
from outbound.engine.types import COUNTED_AS
from outbound.posting.statements import Statements, for_schema
from outbound.posting.types import LEASE_SECONDS, Findings, Outcome
from outbound.recording import settle_message
from outbound.states import RecipientState


@dataclass(frozen=True, slots=True)
class Written:
    """Queue ids whose outcome is in the database now, and messages of which something was told before that."""

    ids: set[int] = field(default_factory=set)
    told_early: list[int] = field(default_factory=list)


def write(connection: psycopg.Connection[Any], schema: str, findings: Findings) -> Written:
    """Record outcomes, give back what was released, drop finished batches.

    What is not in the answer had been settled already, by an earlier try of this write or by somebody who recovered
    its batch. `told_early` is to be given to `apply_early_news` when the transaction is committed.
    """
    statements = for_schema(schema)
    written = Written()
    with connection.transaction():
        if findings.outcomes:
            written = _record(connection, schema, statements, findings.outcomes)
        if findings.released:
            ids, batches = zip(*findings.released, strict=True)
            connection.execute(statements.release, {"ids": list(ids), "batches": list(batches)})
        if findings.finished:
            connection.execute(statements.drop_batches, {"batches": sorted(findings.finished)})
        if findings.released or any(outcome.next_at for outcome in findings.outcomes):
            connection.execute(statements.put_back)
    for outcome in findings.outcomes:
        if outcome.queue_id in written.ids:
            EMAIL_SENDS.labels(COUNTED_AS[outcome.state]).inc()
    return written


def apply_early_news(connection: psycopg.Connection[Any], schema: str, messages: Sequence[int]) -> None:
    """A delivery, or a bounce, may be told before the provider's answer is written down. In a transaction of its own:
    recorders take their turns before they hold messages."""
    statements = for_schema(schema)
    for message_id in messages:
        with connection.transaction(), connection.cursor() as cursor:
            settle_message(cursor, schema=schema, message_id=message_id)
            cursor.execute(statements.confirm, {"messages": [message_id]})
            cursor.execute(statements.restate, {"messages": [message_id], "references": [""]})


def renew(connection: psycopg.Connection[Any], schema: str, batches: Iterable[int]) -> set[int]:
    """Lease the batches anew. Returns those that are not there any more: somebody else has recovered them."""
    wanted = set(batches)
    rows = connection.execute(for_schema(schema).renew, {"seconds": LEASE_SECONDS, "batches": sorted(wanted)})
    return wanted - {batch_id for (batch_id,) in rows.fetchall()}


def settle_doubts(connection: psycopg.Connection[Any], schema: str, taken: Collection[tuple[int, int]]) -> None:
    """The provider did take these (message id, position), though whoever recovered their batch could not know it."""
    statements = for_schema(schema)
    messages, positions = zip(*sorted(taken), strict=True)
    with connection.transaction():
        _hold(connection, statements, messages)
        connection.execute(statements.settle_doubts, {"messages": list(messages), "positions": list(positions)})
        _restate(connection, statements, set(messages))


def _record(
    connection: psycopg.Connection[Any], schema: str, statements: Statements, outcomes: Sequence[Outcome]
) -> Written:
    messages = {outcome.message_id for outcome in outcomes}
    _hold(connection, statements, messages)
    rows = connection.execute(statements.write, _columns(outcomes)).fetchall()
    written = {queue_id for (queue_id,) in rows}
    _suppress(connection, schema, [outcome for outcome in outcomes if outcome.queue_id in written])
    references = {outcome.message_id: outcome.reference for outcome in outcomes if outcome.reference}
    return Written(written, _restate(connection, statements, messages, references))


def _restate(
    connection: psycopg.Connection[Any],
    statements: Statements,
    messages: Iterable[int],
    references: dict[int, str] | None = None,
) -> list[int]:
    """Say anew where messages stand as a whole. Returns those that are finished and of which something was told already."""
    ids = sorted(messages)
    given = {"messages": ids, "references": [(references or {}).get(one, "") for one in ids]}
    rows = connection.execute(statements.restate, given).fetchall()
    return [message_id for message_id, finished, told in rows if finished and told]


def _suppress(connection: psycopg.Connection[Any], schema: str, outcomes: Sequence[Outcome]) -> None:
    """Addresses that are dead are not written to again, whether they are a contact's or not."""
    dead = [one for one in outcomes if one.state == RecipientState.BOUNCED_HARD and one.email]
    if not dead:
        return
    messages = sorted({one.message_id for one in dead})
    connection.execute(
        by_address(schema),
        {
            "emails": [one.email for one in dead],
            "keys": [one.email_key for one in dead],
            "reason": "hard_bounce",
            "origin": f"message {messages[0]}" if len(messages) == 1 else f"messages {messages[0]} to {messages[-1]}",
            "note": "",
        },
    )


def _hold(connection: psycopg.Connection[Any], statements: Statements, messages: Iterable[int]) -> None:
    connection.execute(statements.hold, {"messages": sorted(set(messages))})


def _columns(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "ids": [one.queue_id for one in outcomes],
        "batches": [one.batch_id for one in outcomes],
        "contacts": [one.contact_id for one in outcomes],
        "states": [int(one.state) for one in outcomes],
        "codes": [one.code for one in outcomes],
        "reasons": [one.reason for one in outcomes],
        "nexts": [one.next_at for one in outcomes],
        "providers": [one.provider_id for one in outcomes],
    }
