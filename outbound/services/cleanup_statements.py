"""The SQL of the clean-up. It runs inside the tenant: tables are found by the search path."""

from psycopg import sql

# Over, old enough, of a kind that was asked for, and nobody of it waits. A message that is tried again has rows in the queue.
_QUALIFIES = """s.created_at < %(before)s AND s.state = ANY(%(states)s::text[])
    AND NOT EXISTS (SELECT 1 FROM outbound_queue q WHERE q.message_id = s.message_id)"""

_SINGLE = "m.month = %(month)s AND m.origin LIKE 'single:%%'"


def _with_terms(text: str) -> sql.Composed:
    return sql.SQL(text).format(qualifies=sql.SQL(_QUALIFIES), single=sql.SQL(_SINGLE))


# Months with single messages in them, the oldest first: those of partitions, and what an interrupted clean-up left.
MONTHS = """
SELECT to_date(right(c.relname, 6), 'YYYYMM') AS month FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname ~ '^outbound_submission_[0-9]{6}$' AND c.relkind = 'r'
  AND to_date(right(c.relname, 6), 'YYYYMM') <= %(before)s
UNION
SELECT m.month FROM outbound_message m WHERE m.origin LIKE 'single:%%' AND m.month <= %(before)s
ORDER BY month
"""

# Whether the month has its submissions still, whether all of them qualify, and whether it has other messages.
STANDING = _with_terms("""
SELECT to_regclass(%(partition)s) IS NOT NULL,
    NOT EXISTS (SELECT 1 FROM outbound_submission s WHERE s.month = %(month)s AND NOT ({qualifies})),
    NOT EXISTS (SELECT 1 FROM outbound_message m WHERE m.month = %(month)s AND m.origin NOT LIKE 'single:%%')
""")

# What the month's partitions take with their indexes and large values, by table.
SIZES = """
SELECT left(c.relname, -7), pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(partitions)s::text[])
"""

COUNT = _with_terms("""
SELECT count(*), (SELECT count(*) FROM outbound_event e WHERE e.month = %(month)s AND e.message_id IN (
    SELECT s.message_id FROM outbound_submission s WHERE s.month = %(month)s AND {qualifies}))
FROM outbound_submission s WHERE s.month = %(month)s AND {qualifies}
""")
COUNT_LEFT = _with_terms("""
SELECT 0, (SELECT count(*) FROM outbound_event e WHERE e.month = %(month)s AND e.message_id IN (
    SELECT m.id FROM outbound_message m WHERE {single}))
""")

CHOOSE = _with_terms("""
SELECT s.message_id FROM outbound_submission s WHERE s.month = %(month)s AND {qualifies} ORDER BY s.message_id LIMIT %(most)s
""")
CHOOSE_LEFT = _with_terms("""
SELECT m.id FROM outbound_message m WHERE {single} ORDER BY m.id LIMIT %(most)s
""")
# Looked at again under the lock: a message may have been begun again meanwhile. Whoever is at work on one holds its row, and
# it is left for the next time.
HOLD = _with_terms("""
SELECT s.message_id FROM outbound_submission s JOIN outbound_message m ON m.id = s.message_id
WHERE s.month = %(month)s AND s.message_id = ANY(%(ids)s) AND {qualifies} ORDER BY s.message_id FOR UPDATE OF m, s SKIP LOCKED
""")
HOLD_LEFT = "SELECT id FROM outbound_message WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE SKIP LOCKED"

EVENTS = "outbound_event"
# Tables with the month in their key, then those without: children before what they refer to.
OF_A_MONTH = (
    EVENTS,
    "outbound_engagement",
    "outbound_attempt",
    "outbound_recipient",
    "outbound_attachment",
    "outbound_submission",
)
DELETE_OF_A_MONTH = "DELETE FROM {table} WHERE month = %(month)s AND message_id = ANY(%(ids)s)"
DELETE_TALLIES = "DELETE FROM outbound_tally WHERE message_id = ANY(%(ids)s)"
DELETE_MESSAGES = "DELETE FROM outbound_message WHERE id = ANY(%(ids)s)"

COUNT_DATED = "SELECT count(*) FROM {table} WHERE {column} < %(before)s AND ({condition})"
DELETE_DATED = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE {column} < %(before)s AND ({condition}) LIMIT %(most)s FOR UPDATE SKIP LOCKED))
"""
