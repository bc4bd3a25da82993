"""What happened to one message, in the order of time."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from common.database import connection
from outbound.states import EventKind, RecipientState
from outbound.submission.details import Moment, TimelineEntry
from outbound.submission.standing import Subject

# Somebody's machine may open a mail again and again; the first hits tell enough.
MOST_EVENTS = 500


def timeline_of(subject: Subject, *, links: list[Any]) -> tuple[TimelineEntry, ...]:
    """From its acceptance to the last click. One query. `links` is the message's link table: a click says which."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMELINE, {"month": subject.month, "id": subject.message_id, "most": MOST_EVENTS})
        rows = cursor.fetchall()
    told = {(position, kind) for what, position, kind, *_ in rows if what == "event"}
    entries = [TimelineEntry(subject.created_at, Moment.ACCEPTED)]
    if subject.send_at is not None:
        entries.append(TimelineEntry(subject.created_at, Moment.SCHEDULED, text=subject.send_at.isoformat()))
    for what, position, kind, at, provider, code, text, link in rows:
        email = subject.recipients[position]["email"] if position < len(subject.recipients) else ""
        rest = (email, provider or "", code, text or _link(links, link))
        if what == "event":
            entries.append(TimelineEntry(at, _EVENTS[kind], *rest))
        elif what == "attempt":
            entries.append(TimelineEntry(at, _OUTCOMES[kind], *rest))
        else:
            entries.extend(_outcome(subject, told, position, kind, TimelineEntry(at, _OUTCOMES[kind], *rest)))
    return tuple(sorted(entries, key=lambda entry: entry.at))


# Of what is told with the same time, tries come first, then the outcome, then what followed.
_TIMELINE = """
SELECT t.what, t.position, t.kind, t.at, t.provider, t.code, t.text, t.link FROM (
SELECT 1 AS step, 'attempt' AS what, a.number, a.position, a.state AS kind, a.at, p.name AS provider, a.code, a.reason AS text,
    NULL::smallint AS link
FROM outbound_attempt a LEFT JOIN outbound_provideraccount p ON p.id = a.provider_id
WHERE a.month = %(month)s AND a.message_id = %(id)s
UNION ALL
SELECT 2, 'outcome', r.attempts, r.position, r.state, r.at, p.name, r.code, r.reason, NULL
FROM outbound_recipient r LEFT JOIN outbound_provideraccount p ON p.id = r.provider_id
WHERE r.month = %(month)s AND r.message_id = %(id)s AND r.state > 2
UNION ALL
(SELECT 3, 'event', 0, e.position, e.kind, e.at, NULL, NULL, e.detail, e.link
FROM outbound_event e WHERE e.month = %(month)s AND e.message_id = %(id)s ORDER BY e.at LIMIT %(most)s)
) t ORDER BY t.step, t.number, t.position
"""

_EVENTS: Mapping[int, Moment] = {
    EventKind.OPEN: Moment.OPENED,
    EventKind.CLICK: Moment.CLICKED,
    EventKind.UNSUBSCRIBE: Moment.UNSUBSCRIBED,
    EventKind.BOUNCE_HARD: Moment.BOUNCED,
    EventKind.BOUNCE_SOFT: Moment.BOUNCED,
    EventKind.BLOCK: Moment.BOUNCED,
    EventKind.COMPLAINT: Moment.COMPLAINED,
    EventKind.DELIVERY: Moment.DELIVERED,
}
_OUTCOMES: Mapping[int, Moment] = {
    RecipientState.RETRYING: Moment.DEFERRED,
    RecipientState.DEFERRED: Moment.DEFERRED,
    RecipientState.SENT: Moment.SENT,
    RecipientState.DELIVERED: Moment.DELIVERED,
    RecipientState.BOUNCED_HARD: Moment.BOUNCED,
    RecipientState.BOUNCED_SOFT: Moment.BOUNCED,
    RecipientState.FAILED: Moment.FAILED,
    RecipientState.CANCELLED: Moment.CANCELLED,
    RecipientState.SUPPRESSED: Moment.SUPPRESSED,
    RecipientState.IN_DOUBT: Moment.IN_DOUBT,
    RecipientState.COMPLAINED: Moment.COMPLAINED,
}
# What a state that came by an event was made by.
_MADE_BY: Mapping[int, tuple[EventKind, ...]] = {
    RecipientState.DELIVERED: (EventKind.DELIVERY,),
    RecipientState.COMPLAINED: (EventKind.COMPLAINT,),
    RecipientState.BOUNCED_HARD: (EventKind.BOUNCE_HARD,),
    RecipientState.BOUNCED_SOFT: (EventKind.BOUNCE_SOFT, EventKind.BLOCK),
}


def _outcome(
    subject: Subject, told: set[tuple[int, int]], position: int, state: int, entry: TimelineEntry
) -> Iterator[TimelineEntry]:
    """A state that an event made is told by the event. When the provider took that mail is known only for the message."""
    if not any((position, kind) in told for kind in _MADE_BY.get(state, ())):
        yield entry
        return
    taken: datetime = min(subject.processed_at or entry.at, entry.at)
    yield TimelineEntry(taken, Moment.SENT, entry.email, entry.provider)


def _link(links: list[Any], number: int | None) -> str:
    if number is None or number >= len(links):
        return ""
    link = links[number]
    return str(link["url"] if isinstance(link, dict) else link)
