"""What a sender that died left in hand: each recipient of its batches gets exactly one verdict.

No queue row any more: its outcome was written. The journal has a reply: written now. Handed over without one: in doubt,
or queued again where the tenant wants that. Untouched: back to the queue. Without a believable journal (another
machine, or this one was restarted) everybody still in the batch is in doubt; batches are small for this reason.
"""

from pathlib import Path
from typing import Any

import psycopg

from outbound.engine.journal import Mark, forget, read_marks
from outbound.engine.outcomes import utcnow
from outbound.engine.retrying import GIVE_UP_AFTER, next_try
from outbound.posting.statements import for_schema
from outbound.posting.types import Findings, Mailroom, Outcome
from outbound.posting.writing import apply_early_news, write
from outbound.states import RecipientState

# So long those may recover a batch who have its journal, before others write it off.
_OTHER_MACHINES_SECONDS = 60.0
_NO_ANSWER = "handed over, but the sender stopped before the provider's answer: not known whether it was taken"
_NO_JOURNAL = "may have been handed over before the sender's machine was lost: not known whether it was taken"
_REFUSED = "the provider refused it (5xx); its words were lost in a restart"
_DEFERRED = "the provider deferred it (4xx)"


def recover(connection: psycopg.Connection[Any], room: Mailroom, *, journals: Path) -> int:
    """Settle the tenant's batches whose lease ran out. Returns how many."""
    folder = room.journals(journals)
    statements = for_schema(room.schema)
    settled: list[int] = []
    early: list[int] = []
    with connection.transaction():
        for batch_id, provider_id, size, late in connection.execute(statements.expired).fetchall():
            marks = read_marks(folder, chunk_id=batch_id, fence=1)
            if marks is None and late < _OTHER_MACHINES_SECONDS:
                continue
            findings = Findings(finished=[batch_id])
            for row in connection.execute(statements.in_batch, {"batch": batch_id}).fetchall():
                _judge(
                    room, findings, row, _mark(marks, row[1], size), batch_id, provider_id, journal=marks is not None
                )
            early += write(connection, room.schema, findings).told_early
            settled.append(batch_id)
    for batch_id in settled:
        forget(folder, chunk_id=batch_id, below_fence=2)
    apply_early_news(connection, room.schema, early)
    return len(settled)


def give_up_overdue(connection: psycopg.Connection[Any], room: Mailroom) -> int:
    """Those whom no provider could be asked to take before their deadline fail. Returns how many."""
    given = {"before": utcnow() - GIVE_UP_AFTER}
    with connection.transaction():
        rows = connection.execute(for_schema(room.schema).overdue, given).fetchall()
        findings = Findings()
        for queue_id, month, message_id, position, reason, code, contact_id in rows:
            why = f"given up: no provider took it in time{': ' + reason if reason else ''}"
            findings.outcomes.append(
                Outcome(queue_id, None, month, message_id, position, contact_id, RecipientState.FAILED, None, code, why)
            )
        write(connection, room.schema, findings)
    return len(findings.outcomes)


def _mark(marks: bytes | None, place: int, size: int) -> int:
    if marks is None:
        return Mark.HANDED_OVER
    return marks[place] if place < min(size, len(marks)) else Mark.UNTOUCHED


def _judge(
    room: Mailroom,
    findings: Findings,
    row: tuple[Any, ...],
    mark: int,
    batch_id: int,
    provider_id: int,
    *,
    journal: bool,
) -> None:
    queue_id, _, month, message_id, position, attempt, contact_id = row
    if mark == Mark.UNTOUCHED or (mark == Mark.HANDED_OVER and room.resend_doubtful):
        findings.released.append((queue_id, batch_id))
        return
    state, reason, next_at = RecipientState.SENT, None, None
    if mark == Mark.HANDED_OVER:
        state, reason = RecipientState.IN_DOUBT, _NO_ANSWER if journal else _NO_JOURNAL
    elif mark == Mark.REFUSED:
        state, reason = RecipientState.BOUNCED_SOFT, _REFUSED
    elif mark == Mark.DEFERRED:
        state, reason, next_at = RecipientState.DEFERRED, _DEFERRED, next_try(attempt)
    findings.outcomes.append(
        Outcome(
            queue_id, batch_id, month, message_id, position, contact_id or 0, state, provider_id, None, reason, next_at
        )
    )
