"""Where each recipient of one message stands: an outcome, or a place in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from common.database import connection
from outbound.states import RecipientState
from outbound.submission.details import RecipientStanding, Standing
from outbound.submission.types import SubmissionState

STANDINGS: Mapping[int, Standing] = {
    RecipientState.QUEUED: Standing.QUEUED,
    RecipientState.RETRYING: Standing.QUEUED,
    RecipientState.DEFERRED: Standing.DEFERRED,
    RecipientState.SENT: Standing.SENT,
    RecipientState.DELIVERED: Standing.DELIVERED,
    RecipientState.BOUNCED_HARD: Standing.BOUNCED,
    RecipientState.BOUNCED_SOFT: Standing.BOUNCED,
    RecipientState.FAILED: Standing.FAILED,
    RecipientState.CANCELLED: Standing.CANCELLED,
    RecipientState.SUPPRESSED: Standing.SUPPRESSED,
    RecipientState.IN_DOUBT: Standing.IN_DOUBT,
    RecipientState.COMPLAINED: Standing.COMPLAINED,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The message that is asked about: where its rows are, and its times."""

    month: date
    message_id: int
    created_at: datetime
    send_at: datetime | None
    processed_at: datetime | None
    recipients: Sequence[Mapping[str, str]]


def state_now(state: str, send_at: datetime | None) -> SubmissionState:
    """A scheduled message waits like any other when its time has come, though nobody has touched it yet."""
    if state == SubmissionState.SCHEDULED and (send_at is None or send_at <= datetime.now(UTC)):
        return SubmissionState.QUEUED
    return SubmissionState(state)


def standings_of(subject: Subject) -> tuple[RecipientStanding, ...]:
    """All of them, in the order in which they were given. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, {"month": subject.month, "id": subject.message_id})
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return tuple(_standing(subject, place, rows.get(place)) for place in range(len(subject.recipients)))


# Who waits stands in the queue, with the last reply in the attempts; who does not has an outcome.
_STANDINGS = """
SELECT q.position, CASE WHEN q.batch_id IS NOT NULL THEN 'processing' WHEN q.attempt > 1 THEN 'deferred'
        WHEN q.due_at > now() THEN 'scheduled' ELSE 'queued' END,
    CASE WHEN q.batch_id IS NULL THEN q.attempt - 1 ELSE q.attempt END, a.code, a.reason, coalesce(a.at, q.since)
FROM outbound_queue q LEFT JOIN LATERAL (
    SELECT a.code, a.reason, a.at FROM outbound_attempt a
    WHERE a.month = %(month)s AND a.message_id = %(id)s AND a.position = q.position ORDER BY a.number DESC LIMIT 1
) a ON true
WHERE q.message_id = %(id)s
UNION ALL
SELECT r.position, r.state::text, r.attempts, r.code, r.reason, r.at FROM outbound_recipient r
WHERE r.month = %(month)s AND r.message_id = %(id)s
  AND NOT EXISTS (SELECT 1 FROM outbound_queue q WHERE q.message_id = r.message_id AND q.position = r.position)
"""


def _standing(subject: Subject, place: int, row: Sequence[Any] | None) -> RecipientStanding:
    given = subject.recipients[place]
    who = (given["kind"], given["email"], given.get("name", ""))
    if row is None:
        return RecipientStanding(*who, Standing.QUEUED, 0, None, "", subject.created_at)
    state, attempts, code, reason, at = row
    standing = STANDINGS[int(state)] if state.isdigit() else Standing(state)
    return RecipientStanding(*who, standing, attempts, code, reason or "", at)
