"""Who did what with messages, as SQL that selects contact ids: for whoever aims mail at them.

The engine's rows know positions; whose a position is stands in the message's first chunks, from the moment the audience was
frozen. Of messages that have bits (outbound.deeds), blocks of these tell who opened and clicked, but for positions that changed
since: `blocks_query` selects the bits, `contacts_query` all others.
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
    """Done with one of these messages, at any time or since then; a click on any link or on this URL.

    `with_bits` are those of the messages whose bits will be asked as well. They do not tell on which link a click was, nor
    which of the people that did something before `since` did it again.
    """

    kind: Kind
    message_ids: tuple[int, ...]
    since: datetime | None = None
    link: str = ""
    with_bits: tuple[int, ...] = ()


_RECEIVED = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.COMPLAINED)
_BOUNCED = (RecipientState.BOUNCED_HARD, RecipientState.BOUNCED_SOFT)
_OPENED, _CLICKED = ("human_opened_at", "opens"), ("human_clicked_at", "clicks")

_ANY_TIME = sql.SQL("").format()

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
# Of these messages something happened to before.
_EARLIER = """EXISTS (
    SELECT 1 FROM outbound_tally t WHERE t.message_id = m.id AND t.kind = {kind} AND t.hour < {since} AND t.human_count > 0)"""
# The numbers of a URL in the message's link table.
_NUMBERS = """, ARRAY(
    SELECT (l.n - 1)::smallint FROM jsonb_array_elements(m.links) WITH ORDINALITY AS l(link, n)
    WHERE l.link ->> 'url' = {url}) AS numbers"""


_BLOCKS = """
SELECT d.block, bit_or(d.bits & ~coalesce(n.bits, 0::bit(2048))) AS bits
FROM outbound_message m JOIN outbound_deed d ON d.message_id = m.id LEFT JOIN (
    SELECT message_id, (id >> 11)::int AS block, bit_or(set_bit(0::bit(2048), (id & 2047)::int, 1)) AS bits
    FROM ({changed}) c GROUP BY 1, 2
) n ON n.message_id = d.message_id AND n.block = d.block
WHERE m.id = ANY({messages}::bigint[]) AND d.kind = {kind}{not_earlier} GROUP BY 1
"""
# Each chunk that has changed positions is unpacked once.
_CHANGED = """
SELECT h.message_id, p AS position, k.ids[p - k.first_position + 1] AS id FROM (
    SELECT n.message_id, f.id AS chunk_id, array_agg(n.position) AS positions FROM (
        SELECT DISTINCT s.message_id, position FROM outbound_deed_news s CROSS JOIN unnest(s.positions) AS position
        WHERE s.message_id = ANY({messages}::bigint[])
    ) n CROSS JOIN LATERAL (
        SELECT k.id FROM outbound_chunk k
        WHERE k.message_id = n.message_id AND k.attempt = 1 AND k.first_position <= n.position
        ORDER BY k.first_position DESC LIMIT 1
    ) f GROUP BY 1, 2
) h CROSS JOIN LATERAL (
    SELECT k.first_position, k.contact_ids || '{{}}'::bigint[] AS ids FROM outbound_chunk k WHERE k.id = h.chunk_id OFFSET 0
) k CROSS JOIN unnest(h.positions) AS p
"""
_CHANGED_WHO_DID = """
SELECT c.id FROM ({changed}) c JOIN outbound_message m ON m.id = c.message_id CROSS JOIN LATERAL (
    SELECT 1 FROM outbound_engagement e WHERE e.month = m.month AND e.message_id = m.id AND e.position = c.position
    AND e.{at} IS NOT NULL OFFSET 0
) e WHERE true{not_earlier}
"""


def can_use_bits(kind: Kind, link: str) -> bool:
    """Whether bits tell of it."""
    return kind in (Kind.OPENED, Kind.CLICKED) and not link


def blocks_query(asked: Asked, parameters: Parameters) -> sql.Composed:
    """Selects `block` and `bits` of the contacts who did it, as far as the bits of `with_bits` tell; see contacts.segments."""
    terms = _bit_terms(asked, parameters)
    changed = sql.SQL(_CHANGED).format(messages=terms["messages"])
    return sql.SQL(_BLOCKS).format(changed=changed, **terms)


def contacts_query(asked: Asked, parameters: Parameters) -> sql.Composed:
    """Selects `id` of contacts whom `blocks_query` does not tell; one may come several times, or as one of its, and one that
    was erased may be among them."""
    messages = parameters.add(list(set(asked.message_ids) - set(asked.with_bits)))
    if asked.kind in (Kind.OPENED, Kind.CLICKED):
        parts = [_engaged(asked, messages, parameters), *_beside_bits(asked, parameters)]
        return sql.SQL(" UNION ALL ").join(sql.SQL("({})").format(part) for part in parts)
    states = _RECEIVED if asked.kind is Kind.RECEIVED else _BOUNCED
    since = sql.SQL(" AND r.at >= {}").format(parameters.add(asked.since)) if asked.since else sql.SQL("")
    return sql.SQL(_OUTCOMES).format(
        messages=messages, states=parameters.add([int(state) for state in states]), since=since
    )


def _beside_bits(asked: Asked, parameters: Parameters) -> list[sql.Composed]:
    """Of the messages that have bits: positions that changed; and messages to which something happened before `since`."""
    if not asked.with_bits:
        return []
    terms = _bit_terms(asked, parameters)
    changed = sql.SQL(_CHANGED).format(messages=terms["messages"])
    parts = [sql.SQL(_CHANGED_WHO_DID).format(changed=changed, **terms)]
    if asked.since:
        earlier = sql.SQL(" AND {}").format(_earlier(asked.since, _words(asked.kind)[0], parameters))
        parts.append(_engaged(asked, terms["messages"], parameters, earlier=earlier))
    return parts


def _bit_terms(asked: Asked, parameters: Parameters) -> dict[str, sql.Composable]:
    kind, at, _ = _words(asked.kind)
    not_earlier = sql.SQL(" AND NOT {}").format(_earlier(asked.since, kind, parameters)) if asked.since else _ANY_TIME
    return {"messages": parameters.add(list(asked.with_bits)), "kind": kind, "at": at, "not_earlier": not_earlier}


def _earlier(since: datetime, kind: sql.Literal, parameters: Parameters) -> sql.Composed:
    return sql.SQL(_EARLIER).format(kind=kind, since=parameters.add(since))


def _engaged(
    asked: Asked, messages: sql.Composable, parameters: Parameters, earlier: sql.Composed = _ANY_TIME
) -> sql.Composed:
    kind, at, count = _words(asked.kind)
    parts: list[sql.Composable] = [sql.SQL("e.{} IS NOT NULL").format(at)]
    numbers: sql.Composable = sql.SQL("")
    lively: sql.Composable = earlier
    if asked.link:
        numbers = sql.SQL(_NUMBERS).format(url=parameters.add(asked.link))
        parts.append(sql.SQL("e.human_links && k.numbers"))
    if asked.since:
        since = parameters.add(asked.since)
        lively += sql.SQL(_LIVELY).format(kind=kind, hour=parameters.add(asked.since - timedelta(hours=1)))
        link = sql.SQL(" AND v.link = ANY(k.numbers)" if asked.link else "")
        happened = sql.SQL(_HAPPENED).format(kind=kind, since=since, link=link)
        # When a certain link was first clicked is not kept with the recipient.
        first = sql.SQL(_SINCE).format(at=at, count=count, since=since, happened=happened)
        parts.append(happened if asked.link else first)
    return sql.SQL(_ENGAGED).format(
        messages=messages, numbers=numbers, lively=lively, engaged=sql.SQL(" AND ").join(parts)
    )


def _words(kind: Kind) -> tuple[sql.Literal, sql.Identifier, sql.Identifier]:
    """The event's number; the columns of the first time and of how often."""
    opened = kind is Kind.OPENED
    at, count = _OPENED if opened else _CLICKED
    return sql.Literal(int(EventKind.OPEN if opened else EventKind.CLICK)), sql.Identifier(at), sql.Identifier(count)
