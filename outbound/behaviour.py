"""Who did what with messages, as SQL that selects contact ids: for whoever aims mail at them.

The engine's rows know positions; whose a position is stands in the message's first chunks, from the moment the audience was
frozen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from psycopg import sql

from contacts.targeting.audience import Parameters
from outbound.states import EventKind, RecipientState


class Kind(StrEnum):
    OPENED = "opened"  # by a person: machines that load pictures and follow links do not behave
    CLICKED = "clicked"  # by a person
    RECEIVED = "received"  # the provider took it, and it did not bounce
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class Asked:
    """Done with one of these messages, at any time or since then; a click on any link or on this URL."""

    kind: Kind
    message_ids: tuple[int, ...]
    since: datetime | None = None
    link: str = ""


_RECEIVED = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.COMPLAINED)
_BOUNCED = (RecipientState.BOUNCED_HARD, RecipientState.BOUNCED_SOFT)
_OPENED, _CLICKED = ("human_opened_at", "opens"), ("human_clicked_at", "clicks")

_OUTCOMES = """
SELECT r.contact_id AS id FROM outbound_message m
JOIN outbound_recipient r ON r.month = m.month AND r.message_id = m.id
WHERE m.id = ANY({messages}::bigint[]) AND r.state = ANY({states}::smallint[]){since}
"""

# Chunk by chunk, a range of the index each, whatever the planner knows. The empty array makes the ids be unpacked once a
# chunk, not once a recipient; the last OFFSET 0 keeps them out of sorts that come after it.
_ENGAGED = """
SELECT k.ids[e.position - k.first_position + 1] AS id FROM (
    SELECT m.month, k.message_id, k.first_position, k.size, k.contact_ids || '{{}}'::bigint[] AS ids{numbers}
    FROM outbound_message m JOIN outbound_chunk k ON k.message_id = m.id AND k.attempt = 1
    WHERE m.id = ANY({messages}::bigint[]){lively} OFFSET 0
) k CROSS JOIN LATERAL (
    SELECT e.position FROM outbound_engagement e
    WHERE e.month = k.month AND e.message_id = k.message_id
      AND e.position >= k.first_position AND e.position < k.first_position + k.size AND {engaged} OFFSET 0
) e OFFSET 0
"""

# The first time is kept with the recipient; whether it happened again since then only the events know.
_SINCE = "(e.{at} >= {since} OR e.{count} > 1 AND {happened})"
_HAPPENED = """EXISTS (
    SELECT 1 FROM outbound_event v WHERE v.month = e.month AND v.message_id = e.message_id AND v.position = e.position
    AND v.kind = {kind} AND v.human AND v.at >= {since}{link})"""
# Of most messages the tallies tell that nothing happened to them lately.
_LIVELY = """ AND EXISTS (
    SELECT 1 FROM outbound_tally t WHERE t.message_id = m.id AND t.kind = {kind} AND t.hour >= {hour} AND t.human_count > 0)"""
# The numbers of a URL in the message's link table.
_NUMBERS = """, ARRAY(
    SELECT (l.n - 1)::smallint FROM jsonb_array_elements(m.links) WITH ORDINALITY AS l(link, n)
    WHERE l.link ->> 'url' = {url}) AS numbers"""


def contacts_query(asked: Asked, parameters: Parameters) -> sql.Composed:
    """Selects `id` of contacts; one may come several times, and one that was erased may be among them."""
    messages = parameters.add(list(asked.message_ids))
    if asked.kind in (Kind.OPENED, Kind.CLICKED):
        return _engaged(asked, messages, parameters)
    states = _RECEIVED if asked.kind is Kind.RECEIVED else _BOUNCED
    since = sql.SQL(" AND r.at >= {}").format(parameters.add(asked.since)) if asked.since else sql.SQL("")
    return sql.SQL(_OUTCOMES).format(
        messages=messages, states=parameters.add([int(state) for state in states]), since=since
    )


def _engaged(asked: Asked, messages: sql.Placeholder, parameters: Parameters) -> sql.Composed:
    opened = asked.kind is Kind.OPENED
    kind = sql.Literal(int(EventKind.OPEN if opened else EventKind.CLICK))
    at, count = (sql.Identifier(name) for name in (_OPENED if opened else _CLICKED))
    parts: list[sql.Composable] = [sql.SQL("e.{} IS NOT NULL").format(at)]
    numbers: sql.Composable = sql.SQL("")
    lively: sql.Composable = sql.SQL("")
    if asked.link:
        numbers = sql.SQL(_NUMBERS).format(url=parameters.add(asked.link))
        parts.append(sql.SQL("e.human_links && k.numbers"))
    if asked.since:
        since = parameters.add(asked.since)
        lively = sql.SQL(_LIVELY).format(kind=kind, hour=parameters.add(asked.since - timedelta(hours=1)))
        link = sql.SQL(" AND v.link = ANY(k.numbers)" if asked.link else "")
        happened = sql.SQL(_HAPPENED).format(kind=kind, since=since, link=link)
        # When a certain link was first clicked is not kept with the recipient.
        first = sql.SQL(_SINCE).format(at=at, count=count, since=since, happened=happened)
        parts.append(happened if asked.link else first)
    return sql.SQL(_ENGAGED).format(
        messages=messages, numbers=numbers, lively=lively, engaged=sql.SQL(" AND ").join(parts)
    )
