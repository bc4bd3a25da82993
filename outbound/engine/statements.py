"""The engine's SQL, composed once for a schema."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql


@dataclass(frozen=True, slots=True)
class Statements:
    """One composed statement each; what they do is said where they stand below."""

    lease: sql.Composed
    raise_watermark: sql.Composed
    settled: sql.Composed
    flush: sql.Composed
    add_unusual: sql.Composed
    settle_doubts: sql.Composed
    make_retries: sql.Composed
    finish: sql.Composed
    next_due: sql.Composed
    message_state: sql.Composed


def array_text(values: Iterable[object]) -> str:
    """A PostgreSQL array literal of numbers and booleans: three times cheaper than adapting a list."""
    return "{" + ",".join(map(str, values)) + "}"


# A chunk that nobody leases, or whose lease ran out. The fence rises, so the earlier owner can write no more.
_LEASE = """
UPDATE {chunk} c SET owner = %(owner)s, fence = c.fence + 1, lease_until = now() + make_interval(secs => %(seconds)s)
WHERE c.id = (
    SELECT f.id FROM {chunk} f WHERE f.message_id = %(message)s AND f.state = 'open'
      AND (f.lease_until IS NULL OR f.lease_until < now()) ORDER BY f.id LIMIT 1 FOR UPDATE SKIP LOCKED)
  AND EXISTS (SELECT 1 FROM {message} m WHERE m.id = %(message)s AND m.state IN ('sending', 'cancelled'))
RETURNING c.id, c.fence, c.attempt, c.size, c.first_position, c.positions, c.contact_ids, c.watermark, c.handing_fence,
    c.sent, c.deferred, c.bounced, c.failed, c.suppressed, c.in_doubt, c.cancelled
"""

_RAISE_WATERMARK = "UPDATE {chunk} SET watermark = %s, handing_fence = fence WHERE id = %s AND fence = %s"

# Positions of a chunk that have an outcome of this attempt.
_SETTLED = """
SELECT position FROM {recipient} WHERE month = %(month)s AND message_id = %(message)s AND state <> 1
  AND (%(positions)s::int[] IS NOT NULL AND position = ANY(%(positions)s::int[])
       OR %(positions)s::int[] IS NULL AND position >= %(first)s AND position < %(first)s + %(size)s)
"""

# The heart: progress and lease of the chunks, the rows of what was sent and the day's count, in one statement. Only
# rows that are new or changed are counted: a statement that is sent again counts nothing.
_FLUSH = """
WITH given AS (
    SELECT * FROM unnest(%(chunks)s::bigint[], %(fences)s::int[], %(watermarks)s::int[], %(released)s::bool[], %(sent)s::int[],
        %(deferred)s::int[], %(bounced)s::int[], %(failed)s::int[], %(suppressed)s::int[], %(in_doubt)s::int[], %(cancelled)s::int[])
        AS g(id, fence, watermark, released, sent, deferred, bounced, failed, suppressed, in_doubt, cancelled)
), moved AS (
    UPDATE {chunk} c SET
        watermark = g.watermark, sent = g.sent, deferred = g.deferred, bounced = g.bounced, failed = g.failed,
        suppressed = g.suppressed, in_doubt = g.in_doubt, cancelled = g.cancelled,
        done = g.sent + g.deferred + g.bounced + g.failed + g.suppressed + g.in_doubt + g.cancelled,
        state = CASE WHEN g.sent + g.deferred + g.bounced + g.failed + g.suppressed + g.in_doubt + g.cancelled >= c.size
            THEN 'done' ELSE 'open' END,
        owner = CASE WHEN g.released THEN '' ELSE c.owner END,
        lease_until = CASE WHEN g.released THEN NULL ELSE now() + make_interval(secs => %(seconds)s) END
    FROM given g WHERE c.id = g.id AND c.fence = g.fence AND c.owner = %(owner)s
    RETURNING c.id
), added AS (
    INSERT INTO {recipient} AS r (month, message_id, position, contact_id, state, attempts, at)
    SELECT %(month)s, %(message)s, o.position, o.contact, 3, o.attempt, now()
    FROM unnest(%(row_chunks)s::bigint[], %(row_positions)s::int[], %(row_contacts)s::bigint[], %(row_attempts)s::smallint[])
        AS o(chunk, position, contact, attempt)
    WHERE o.chunk IN (SELECT id FROM moved)
    ON CONFLICT (month, message_id, position) DO UPDATE
        SET state = 3, attempts = excluded.attempts, code = NULL, reason = NULL, at = excluded.at, next_at = NULL
        WHERE r.state IN (1, 10)
    RETURNING 1
), told AS (
    INSERT INTO {daily} AS d (day, origin, slot, sent)
    SELECT (now() AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), pg_backend_pid() %% 4, a.n
    FROM (SELECT count(*) AS n FROM added) a, {message} m WHERE m.id = %(message)s AND a.n > 0
    ON CONFLICT (day, origin, slot) DO UPDATE SET sent = d.sent + excluded.sent
)
SELECT moved.id, m.state FROM moved, {message} m WHERE m.id = %(message)s
"""

# Outcomes with words; a deferral also leaves a line in the attempts.
_ADD_UNUSUAL = """
WITH o AS (
    SELECT %s::date AS month, %s::bigint AS message_id, u.* FROM unnest(%s::int[], %s::bigint[], %s::smallint[], %s::smallint[],
        %s::smallint[], %s::text[], %s::timestamptz[]) AS u(position, contact_id, state, attempts, code, reason, next_at)
), tried AS (
    INSERT INTO {attempt} (month, message_id, position, number, state, code, reason, at)
    SELECT month, message_id, position, attempts, state, code, reason, now() FROM o WHERE state = 2
    ON CONFLICT DO NOTHING
), added AS (
    INSERT INTO {recipient} AS r (month, message_id, position, contact_id, state, attempts, code, reason, at, next_at)
    SELECT month, message_id, position, contact_id, state, attempts, code, reason, now(), next_at FROM o
    ON CONFLICT (month, message_id, position) DO UPDATE
        SET state = excluded.state, attempts = excluded.attempts, code = excluded.code, reason = excluded.reason,
            at = excluded.at, next_at = excluded.next_at
        WHERE r.state IN (1, 10)
    RETURNING message_id, state
)
INSERT INTO {daily} AS d (day, origin, slot, deferred, refused_hard, refused_soft, failed, cancelled, suppressed, in_doubt)
SELECT (now() AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), pg_backend_pid() %% 4,
    count(*) FILTER (WHERE a.state = 2), count(*) FILTER (WHERE a.state = 5), count(*) FILTER (WHERE a.state = 6),
    count(*) FILTER (WHERE a.state = 7), count(*) FILTER (WHERE a.state = 8), count(*) FILTER (WHERE a.state = 9),
    count(*) FILTER (WHERE a.state = 10)
FROM added a JOIN {message} m ON m.id = a.message_id GROUP BY m.id
ON CONFLICT (day, origin, slot) DO UPDATE SET deferred = d.deferred + excluded.deferred,
    refused_hard = d.refused_hard + excluded.refused_hard, refused_soft = d.refused_soft + excluded.refused_soft,
    failed = d.failed + excluded.failed, cancelled = d.cancelled + excluded.cancelled,
    suppressed = d.suppressed + excluded.suppressed, in_doubt = d.in_doubt + excluded.in_doubt
"""

_SETTLE_DOUBTS = """
WITH settled AS (
    UPDATE {recipient} SET state = 3, reason = NULL, at = now()
    WHERE month = %(month)s AND message_id = %(message)s AND position = ANY(%(positions)s) AND state = 10
    RETURNING 1
), told AS (
    INSERT INTO {daily} AS d (day, origin, slot, sent)
    SELECT (now() AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), pg_backend_pid() %% 4, s.n
    FROM (SELECT count(*) AS n FROM settled) s, {message} m WHERE m.id = %(message)s AND s.n > 0
    ON CONFLICT (day, origin, slot) DO UPDATE SET sent = d.sent + excluded.sent
)
UPDATE {chunk} SET sent = sent + s.n, in_doubt = in_doubt - s.n
FROM (SELECT count(*)::int AS n FROM settled) s WHERE id = %(chunk)s AND s.n > 0
"""

# Deferred recipients whose time has come become chunks again, by how often they were tried.
_MAKE_RETRIES = """
WITH due AS (
    SELECT position FROM {recipient} WHERE month = %(month)s AND message_id = %(message)s AND state = 2
      AND next_at IS NOT NULL AND (%(all)s OR next_at <= now()) ORDER BY next_at LIMIT 1000 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE {recipient} r SET state = 1, next_at = NULL FROM due
    WHERE r.month = %(month)s AND r.message_id = %(message)s AND r.position = due.position
    RETURNING r.position, r.contact_id, r.attempts
)
INSERT INTO {chunk} (message_id, attempt, first_position, positions, contact_ids, size, state, owner, fence, watermark, handing_fence,
    done, sent, deferred, bounced, failed, suppressed, in_doubt, cancelled)
SELECT %(message)s, attempts + 1, 0, array_agg(position ORDER BY position), array_agg(contact_id ORDER BY position), count(*),
    'open', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM moved GROUP BY attempts RETURNING size
"""

_FINISH = """
UPDATE {message} m SET state = 'finished', finished_at = now(), error = '' WHERE m.id = %(message)s AND m.state = 'sending'
  AND NOT EXISTS (SELECT 1 FROM {chunk} c WHERE c.message_id = m.id AND c.state = 'open')
  AND NOT EXISTS (SELECT 1 FROM {recipient} r WHERE r.month = %(month)s AND r.message_id = m.id AND r.next_at IS NOT NULL AND r.state = 2)
RETURNING m.id
"""

_NEXT_DUE = """
SELECT least(
    (SELECT min(next_at) FROM {recipient} WHERE month = %(month)s AND message_id = %(message)s AND next_at IS NOT NULL),
    (SELECT min(coalesce(lease_until, now())) FROM {chunk} WHERE message_id = %(message)s AND state = 'open'))
"""

_MESSAGE_STATE = "SELECT state FROM {message} WHERE id = %s"


@lru_cache(maxsize=64)
def for_schema(schema: str) -> Statements:
    """The statements with every table named in `schema`."""
    tables = {
        name: sql.Identifier(schema, f"outbound_{name}")
        for name in ("chunk", "message", "recipient", "attempt", "daily")
    }
    return Statements(
        *(
            sql.SQL(text).format(**tables)
            for text in (
                _LEASE,
                _RAISE_WATERMARK,
                _SETTLED,
                _FLUSH,
                _ADD_UNUSUAL,
                _SETTLE_DOUBTS,
                _MAKE_RETRIES,
                _FINISH,
                _NEXT_DUE,
                _MESSAGE_STATE,
            )
        )
    )
