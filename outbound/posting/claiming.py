"""Taking due recipients out of a tenant's queue, ready to be handed over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from outbound.engine.journal import Journal
from outbound.engine.retrying import GIVE_UP_AFTER
from outbound.posting.statements import for_schema
from outbound.posting.types import LEASE_SECONDS, Batch, Envelope, Findings, Item, Mailroom, Outcome
from outbound.states import RecipientState

MOST = 50  # recipients a batch, where nothing else is said
OLDEST = 20  # of a hundred the oldest, whatever their priority
CONTENT_BYTES = 16 << 20
LEAST_URGENT = 5

# Content of messages by id, as it will be handed over; or why it cannot be.
Compile = Callable[[psycopg.Connection[Any], Mailroom, Mapping[int, Any]], Mapping[int, Envelope | str]]


@dataclass(slots=True)
class Claimed:
    """A batch with those of its recipients that are to be sent; what the others became is in `findings`."""

    batch: Batch
    items: list[Item]
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a lane can take: up to `most` recipients of priorities up to `worst`."""

    provider_id: int
    most: int = MOST
    worst: int = LEAST_URGENT


def claim(
    connection: psycopg.Connection[Any], room: Mailroom, wish: Wish, *, journals: Path, compile_all: Compile
) -> Claimed | None:
    """Take a batch and load what it needs; None when nothing is due.

    Raises OSError when no journal can be written (then nothing was taken) and psycopg.OperationalError (then a batch
    that was taken is found again when its lease runs out).
    """
    rows, journal = _take(connection, room, wish, journals)
    if journal is None:
        return None
    batch = Batch(rows[0][0], wish.provider_id, journal, journal.marks, size=len(rows), open=len(rows))
    batch.bytes = sum(row[11] for row in rows)
    claimed = Claimed(batch, [_item(batch, row) for row in rows])
    contents = _contents(connection, room.schema, claimed.items)
    _know_people(connection, room.schema, claimed, contents)
    _drop_overdue(claimed)
    _put_in_letters(claimed, compile_all(connection, room, contents) if claimed.items else {})
    return claimed


def _take(
    connection: psycopg.Connection[Any], room: Mailroom, wish: Wish, journals: Path
) -> tuple[Sequence[tuple[Any, ...]], Journal | None]:
    """The journal is there before anybody can know of the batch: what has none was never handed over from here."""
    with connection.transaction():
        rows = connection.execute(
            for_schema(room.schema).claim,
            {
                "owner": room.owner,
                "seconds": LEASE_SECONDS,
                "provider": wish.provider_id,
                "most": wish.most,
                "oldest": max(1, wish.most * OLDEST // 100),
                "worst": wish.worst,
                "bytes": CONTENT_BYTES,
            },
        ).fetchall()
        if not rows:
            return [], None
        return rows, Journal.create(room.journals(journals), chunk_id=rows[0][0], fence=1, size=len(rows))


def _item(batch: Batch, row: tuple[Any, ...]) -> Item:
    _, queue_id, place, month, message_id, position, email, priority, due_at, since, attempt, _ = row
    return Item(
        queue_id, batch, batch.provider_id, place, month, message_id, position, email, priority, due_at, since, attempt
    )


def _contents(connection: psycopg.Connection[Any], schema: str, items: Iterable[Item]) -> dict[int, Any]:
    months = {item.message_id: item.month for item in items}
    given = {"months": list(months.values()), "messages": list(months)}
    return {row[0]: row for row in connection.execute(for_schema(schema).content, given).fetchall()}


def _know_people(
    connection: psycopg.Connection[Any], schema: str, claimed: Claimed, contents: Mapping[int, Any]
) -> None:
    for item in claimed.items:
        item.email_key = contents[item.message_id][11][item.position]
    rows = connection.execute(for_schema(schema).people, {"keys": list({item.email_key for item in claimed.items})})
    people = {key: (contact_id, reason) for key, contact_id, reason in rows.fetchall()}
    kept: list[Item] = []
    for item in claimed.items:
        contact_id, reason = people[item.email_key]
        item.contact_id = contact_id or 0
        if reason is None:
            kept.append(item)
        else:
            why = "the address is dead" if reason == "hard_bounce" else "its owner complained about mail"
            _settle(claimed, item, RecipientState.SUPPRESSED, f"on the suppression list: {why}")
    claimed.items = kept


def _drop_overdue(claimed: Claimed) -> None:
    before = datetime.now(UTC) - GIVE_UP_AFTER
    for item in [item for item in claimed.items if item.since < before]:
        claimed.items.remove(item)
        _settle(claimed, item, RecipientState.FAILED, "given up: its time ran out before it could be sent")


def _put_in_letters(claimed: Claimed, letters: Mapping[int, Envelope | str]) -> None:
    kept: list[Item] = []
    for item in claimed.items:
        letter = letters[item.message_id]
        if isinstance(letter, str):
            _settle(claimed, item, RecipientState.FAILED, letter)
        else:
            item.letter = letter
            kept.append(item)
    claimed.items = kept


def _settle(claimed: Claimed, item: Item, state: RecipientState, reason: str) -> None:
    claimed.batch.open -= 1
    claimed.findings.outcomes.append(outcome(item, state, None, reason))
    if not claimed.batch.open:
        claimed.findings.finished.append(claimed.batch.id)


def outcome(
    item: Item,
    state: RecipientState,
    code: int | None,
    reason: str | None,
    *,
    next_at: datetime | None = None,
    reference: str = "",
) -> Outcome:
    """What became of an item in hand."""
    return Outcome(
        item.queue_id,
        item.batch.id,
        item.month,
        item.message_id,
        item.position,
        item.contact_id,
        state,
        item.provider_id,
        code,
        reason,
        next_at,
        reference,
        item.email,
        item.email_key,
    )
