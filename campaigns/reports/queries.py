"""The SQL of lists of recipients. Every query stays within one message and reads an index in its order."""

# By filter: states that a recipient's row may have, or the column of the engagement that must be filled.
_STATES = {
    "deferred": (1, 2),
    "sent": (3,),
    "delivered": (3, 4),
    "bounced": (5, 6),
    "bounced_hard": (5,),
    "bounced_soft": (6,),
    "failed": (7,),
    "cancelled": (8,),
    "suppressed": (9,),
    "in_doubt": (10,),
}
_ENGAGED = {
    "opened": "opened_at",
    "clicked": "clicked_at",
    "unsubscribed": "unsubscribed_at",
    "complained": "complained_at",
}

_IN_STATE = """(
    SELECT position FROM outbound_recipient
    WHERE month = %(month)s AND message_id = %(message)s AND state = {state} AND position >= %(begin)s
    ORDER BY position LIMIT %(limit)s
)"""

_MERGED = "SELECT position FROM ({states}) s ORDER BY position LIMIT %(limit)s"

_TAKEN = """
SELECT position FROM outbound_recipient
WHERE month = %(month)s AND message_id = %(message)s AND state IN (3, 4) AND position >= %(begin)s
ORDER BY position LIMIT %(limit)s
"""

_ENGAGED_FROM = """
SELECT position FROM outbound_engagement
WHERE month = %(month)s AND message_id = %(message)s AND {column} IS NOT NULL AND position >= %(begin)s
ORDER BY position LIMIT %(limit)s
"""

OPEN_CHUNKS = """
SELECT first_position, size FROM outbound_chunk
WHERE message_id = %(message)s AND state = 'open' AND attempt = 1 AND first_position + size > %(begin)s
ORDER BY first_position
"""

WITHOUT_ROW = """
SELECT p FROM generate_series(%(first)s::int, %(last)s::int) AS p WHERE NOT EXISTS (
    SELECT 1 FROM outbound_recipient r WHERE r.month = %(month)s AND r.message_id = %(message)s AND r.position = p)
ORDER BY p
"""

# Chunks hold ascending ids, so one look at the first id of each tells where somebody must be. Ordered as the index
# for beginnings of addresses is, or the planner would walk through another one.
SEARCH = """
WITH found AS MATERIALIZED (
    SELECT id FROM contacts_contact WHERE email_key LIKE %(pattern)s ORDER BY email_key USING ~<~ LIMIT %(most)s
), begun AS MATERIALIZED (
    SELECT first_position, contact_ids, contact_ids[1] AS lowest
    FROM outbound_chunk WHERE message_id = %(message)s AND attempt = 1 AND EXISTS (SELECT 1 FROM found)
), chunk AS MATERIALIZED (
    SELECT *, lead(lowest) OVER (ORDER BY first_position) AS next_lowest FROM begun
)
SELECT position FROM (
    SELECT c.first_position + array_position(c.contact_ids, f.id) - 1 AS position
    FROM found f JOIN chunk c ON f.id >= c.lowest AND (c.next_lowest IS NULL OR f.id < c.next_lowest)
) p WHERE position IS NOT NULL ORDER BY position
"""

# First chunks are all of one size but the last, so a position tells which one it stands in.
ROWS = """
SELECT p.position, coalesce(r.contact_id, o.contact_ids[p.position - o.first_position + 1]), k.email, k.first_name, k.last_name,
    r.state, r.attempts, r.code, r.reason, r.at, r.next_at,
    e.opened_at, e.clicked_at, e.opens, e.clicks, e.unsubscribed_at, e.complained_at
FROM unnest(%(positions)s::int[]) AS p(position)
LEFT JOIN outbound_recipient r
    ON r.month = %(month)s AND r.message_id = %(message)s AND r.position = p.position
LEFT JOIN outbound_chunk o
    ON r.contact_id IS NULL AND o.message_id = %(message)s AND o.attempt = 1
    AND o.first_position = p.position / %(chunk)s * %(chunk)s
LEFT JOIN outbound_engagement e
    ON e.month = %(month)s AND e.message_id = %(message)s AND e.position = p.position
LEFT JOIN contacts_contact k ON k.id = coalesce(r.contact_id, o.contact_ids[p.position - o.first_position + 1])
ORDER BY p.position
"""

_KEPT_QUEUED = """
SELECT p FROM unnest(%(positions)s::int[]) AS p WHERE NOT EXISTS (
    SELECT 1 FROM outbound_recipient r WHERE r.month = %(month)s AND r.message_id = %(message)s AND r.position = p)
ORDER BY p
"""
_KEPT = """
SELECT position FROM {table} WHERE month = %(month)s AND message_id = %(message)s
    AND position = ANY(%(positions)s::int[]) AND {condition} ORDER BY position
"""


def positions(wanted: str) -> str:
    """Parameters: month, message, begin, limit."""
    if wanted in _ENGAGED:
        return _ENGAGED_FROM.format(column=_ENGAGED[wanted])
    if wanted == "delivered":  # nearly everybody: the primary key is the shortest way
        return _TAKEN
    states = [_IN_STATE.format(state=state) for state in _STATES[wanted]]
    return _MERGED.format(states=" UNION ALL ".join(states))


def kept(wanted: str) -> str:
    """Parameters: month, message, positions."""
    if wanted == "queued":
        return _KEPT_QUEUED
    if wanted in _ENGAGED:
        return _KEPT.format(table="outbound_engagement", condition=f"{_ENGAGED[wanted]} IS NOT NULL")
    states = ", ".join(str(state) for state in _STATES[wanted])
    return _KEPT.format(table="outbound_recipient", condition=f"state IN ({states})")
