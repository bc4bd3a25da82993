"""What an earlier owner of a chunk left: rows, a journal, a watermark. Each position gets exactly one verdict.

A row exists: done. The journal has a reply: recorded now. Handed over without a reply: in doubt. Untouched: sent now.
Without a believable journal (another machine, or this one was restarted) everything below the watermark that has no
row is in doubt.
"""

from pathlib import Path
from typing import Any

import psycopg

from outbound.engine.journal import Mark, read_marks
from outbound.engine.retrying import next_try
from outbound.engine.statements import Statements
from outbound.engine.types import Job, Lease, Unusual
from outbound.states import RecipientState

_NO_ANSWER = "handed over, but the sender stopped before the provider's answer: not known whether it was taken"
_NO_JOURNAL = "may have been handed over before the sender's machine was lost: not known whether it was taken"


def recover(
    connection: psycopg.Connection[Any], statements: Statements, job: Job, lease: Lease, *, journal_dir: Path
) -> None:
    """Take out of `lease.todo` what needs no sending, and put verdicts into `lease.sent` and `lease.unusual`."""
    if lease.watermark == 0 and lease.counts.done == 0:
        return
    rows = connection.execute(
        statements.settled,
        {
            "month": job.month,
            "message": job.message_id,
            "positions": lease.positions,
            "first": lease.first_position,
            "size": lease.size,
        },
    )
    settled = {position for (position,) in rows}
    marks = read_marks(journal_dir, chunk_id=lease.chunk_id, fence=lease.handing_fence) if lease.watermark else b""
    todo: list[int] = []
    for index in range(lease.size):
        if lease.position(index) in settled:
            continue
        if not _record(lease, index, _mark(marks, index, lease.watermark), marks is not None, job.in_doubt_resend):
            todo.append(index)
    lease.todo = todo


def _mark(marks: bytes | None, index: int, watermark: int) -> int:
    if marks is not None:
        return marks[index] if index < len(marks) else Mark.UNTOUCHED
    return Mark.HANDED_OVER if index < watermark else Mark.UNTOUCHED


def _record(lease: Lease, index: int, mark: int, from_journal: bool, resend: bool) -> bool:
    """True when the position has its verdict; False when it is to be sent."""
    if mark == Mark.TAKEN:
        lease.sent.append(index)
    elif mark == Mark.REFUSED:
        lease.unusual.append(
            Unusual(
                index,
                RecipientState.BOUNCED_SOFT,
                None,
                "the provider refused it (5xx); its words were lost in a restart",
            )
        )
    elif mark == Mark.DEFERRED:
        lease.unusual.append(
            Unusual(
                index, RecipientState.DEFERRED, None, "the provider deferred it (4xx)", next_at=next_try(lease.attempt)
            )
        )
    elif mark == Mark.HANDED_OVER and not resend:
        lease.unusual.append(Unusual(index, RecipientState.IN_DOUBT, None, _NO_ANSWER if from_journal else _NO_JOURNAL))
    else:
        return False
    return True
