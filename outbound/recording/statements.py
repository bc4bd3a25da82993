"""The SQL of recording, every table named with its schema, so that no search path can lead it astray."""

from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

# Recorders of one message take turns, so that "the first of this recipient" is exact and no two wait for each
# other in a circle. So many turns a tenant, lest a batch over many messages fill the server's lock table.
LOCKS = 64
LOCK = "SELECT pg_advisory_xact_lock(%s::int, turn) FROM unnest(%s::int[]) AS turn"


@dataclass(frozen=True, slots=True)
class Statements:
    add: sql.Composed
    settle_doubts: sql.Composed
    move_states: sql.Composed
    contacts: sql.Composed
    later_news: sql.Composed
    doubtful: sql.Composed


@lru_cache(maxsize=256)
def for_schema(schema: str) -> Statements:
    tables: dict[str, sql.Composable] = {
        name: sql.Identifier(schema, f"outbound_{name}")
        for name in ("message", "chunk", "recipient", "event", "engagement", "tally")
    }
    tables["event_partitions"] = sql.Literal(f'"{schema}".outbound_event_')
    return Statements(
        *(
            sql.SQL(text).format(**tables)
            for text in (_ADD, _SETTLE_DOUBTS, _MOVE_STATES, _CONTACTS, _LATER_NEWS, _DOUBTFUL)
        )
    )


# Events, each recipient's engagement and the hourly tallies of one batch. Opens (1) and clicks (2) always count;
# of everything else only the first of its kind does, so that a provider may tell us twice.
# The look-ups are LATERAL or scalar on purpose: each is one step into an index, whatever the planner knows.
# A message whose partition was dropped when its retention ended is unknown.
_ADD = """
WITH given AS MATERIALIZED (
    SELECT n, kind, message_id, position, link::smallint, to_timestamp(at) AS at, ip,
        (%(words)s::text[])[agent] AS agent, (%(words)s::text[])[detail] AS detail
    FROM unnest(%(kinds)s::smallint[], %(messages)s::bigint[], %(positions)s::int[], %(links)s::int[], %(ats)s::float8[],
        %(ips)s::inet[], %(agents)s::int[], %(details)s::int[])
        WITH ORDINALITY AS g(kind, message_id, position, link, at, ip, agent, detail, n)
), message AS MATERIALIZED (
    SELECT id, month, total FROM {message} WHERE id = ANY(%(distinct)s::bigint[])
      AND to_regclass({event_partitions} || to_char(month, 'YYYYMM')) IS NOT NULL
), known AS (
    SELECT g.*, m.month,
        row_number() OVER (PARTITION BY g.message_id, g.position, g.kind ORDER BY g.n) AS nth,
        row_number() OVER (PARTITION BY g.message_id, g.position, g.kind, g.link ORDER BY g.n) AS nth_of_link
    FROM given g JOIN message m ON m.id = g.message_id WHERE g.position >= 0 AND g.position < m.total
), fresh AS MATERIALIZED (
    SELECT k.*,
        k.nth = 1 AND CASE k.kind WHEN 1 THEN coalesce(b.opens, 0) = 0 WHEN 2 THEN coalesce(b.clicks, 0) = 0 ELSE true END AS is_first,
        k.link IS NOT NULL AND k.nth_of_link = 1 AND k.link <> ALL(coalesce(b.links, '{{}}')) AS is_first_of_link
    FROM known k LEFT JOIN LATERAL (
        SELECT e.opens, e.clicks, e.links FROM {engagement} e
        WHERE e.month = k.month AND e.message_id = k.message_id AND e.position = k.position LIMIT 1
    ) b ON true
    WHERE k.kind IN (1, 2) OR k.nth = 1 AND (
        SELECT 1 FROM {event} e WHERE e.month = k.month AND e.message_id = k.message_id AND e.position = k.position
          AND e.kind = k.kind LIMIT 1) IS NULL
), stored AS (
    INSERT INTO {event} (month, at, kind, message_id, position, link, ip, agent, detail)
    SELECT month, at, kind, message_id, position, link, ip, agent, detail FROM fresh ORDER BY n
), touched AS (
    INSERT INTO {engagement} AS e
        (month, message_id, position, opened_at, clicked_at, unsubscribed_at, complained_at, bounced_at, opens, clicks, links)
    SELECT month, message_id, position, min(at) FILTER (WHERE kind = 1), min(at) FILTER (WHERE kind = 2),
        min(at) FILTER (WHERE kind = 3), min(at) FILTER (WHERE kind = 6), min(at) FILTER (WHERE kind IN (4, 5, 8)),
        count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2),
        coalesce(array_agg(link ORDER BY n) FILTER (WHERE kind = 2 AND is_first_of_link), '{{}}')
    FROM fresh WHERE kind <> 7 GROUP BY month, message_id, position ORDER BY month, message_id, position
    ON CONFLICT (month, message_id, position) DO UPDATE SET
        opened_at = least(e.opened_at, excluded.opened_at), clicked_at = least(e.clicked_at, excluded.clicked_at),
        unsubscribed_at = least(e.unsubscribed_at, excluded.unsubscribed_at),
        complained_at = least(e.complained_at, excluded.complained_at), bounced_at = least(e.bounced_at, excluded.bounced_at),
        opens = e.opens + excluded.opens, clicks = e.clicks + excluded.clicks, links = e.links || excluded.links
), counted AS (
    INSERT INTO {tally} AS t (message_id, kind, hour, link, count, uniques)
    SELECT * FROM (
        SELECT message_id, kind, date_trunc('hour', at, 'UTC') AS hour, -1 AS link, count(*), count(*) FILTER (WHERE is_first)
        FROM fresh GROUP BY 1, 2, 3
        UNION ALL
        SELECT message_id, kind, date_trunc('hour', at, 'UTC'), link, count(*), count(*) FILTER (WHERE is_first_of_link)
        FROM fresh WHERE link IS NOT NULL GROUP BY 1, 2, 3, 4
    ) sums ORDER BY message_id, kind, hour, link
    ON CONFLICT (message_id, kind, hour, link) DO UPDATE SET count = t.count + excluded.count, uniques = t.uniques + excluded.uniques
)
SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM fresh), pg_current_xact_id()::text
"""

# Whatever happened to a recipient proves that the provider had the mail. A chunk that is still being worked on
# belongs to its worker, who writes its counts in absolute numbers: its doubts are settled when the message ends.
_SETTLE_DOUBTS = """
WITH seen AS MATERIALIZED (
    SELECT DISTINCT s.message_id, s.position FROM unnest(%(messages)s::bigint[], %(positions)s::int[]) AS s(message_id, position)
), doubt AS MATERIALIZED (
    SELECT r.month, r.message_id, r.position FROM {message} m CROSS JOIN LATERAL (
        SELECT r.month, r.message_id, r.position FROM {recipient} r
        WHERE r.month = m.month AND r.message_id = m.id AND r.state = 10 OFFSET 0
    ) r JOIN seen s ON s.message_id = r.message_id AND s.position = r.position
    WHERE m.id = ANY(%(distinct)s::bigint[])
), home AS MATERIALIZED (
    SELECT d.*, c.id AS chunk_id FROM doubt d CROSS JOIN LATERAL (
        SELECT c.id, c.state FROM {chunk} c WHERE c.message_id = d.message_id AND (
            c.positions IS NULL AND d.position >= c.first_position AND d.position < c.first_position + c.size
            OR d.position = ANY(c.positions))
        ORDER BY c.attempt DESC LIMIT 1
    ) c WHERE c.state = 'done'
), held AS MATERIALIZED (
    SELECT c.id FROM {chunk} c WHERE c.id IN (SELECT chunk_id FROM home) AND c.state = 'done' ORDER BY c.id FOR NO KEY UPDATE
), settled AS (
    UPDATE {recipient} r SET state = 3, reason = NULL, at = now() FROM home h
    WHERE r.month = h.month AND r.message_id = h.message_id AND r.position = h.position AND r.state = 10
      AND h.chunk_id IN (SELECT id FROM held)
    RETURNING h.chunk_id
)
UPDATE {chunk} c SET sent = c.sent + s.n, in_doubt = c.in_doubt - s.n
FROM (SELECT chunk_id, count(*)::int AS n FROM settled GROUP BY chunk_id) s WHERE c.id = s.chunk_id
"""

# sent < delivered, soft bounce < hard bounce < complaint. Of delivered and soft bounce the later word counts.
_MOVE_STATES = """
WITH wanted AS MATERIALIZED (
    SELECT m.month, w.*, (%(words)s::text[])[w.word] AS words
    FROM unnest(%(messages)s::bigint[], %(positions)s::int[], %(states)s::smallint[], %(ats)s::float8[], %(details)s::int[])
        AS w(message_id, position, state, at, word) JOIN {message} m ON m.id = w.message_id
)
UPDATE {recipient} r SET state = w.state, reason = coalesce(w.words, r.reason), at = to_timestamp(w.at)
FROM wanted w
WHERE r.month = w.month AND r.message_id = w.message_id AND r.position = w.position
  AND CASE w.state WHEN 11 THEN r.state IN (3, 4, 5, 6) WHEN 5 THEN r.state IN (3, 4, 6)
      WHEN 6 THEN r.state IN (3, 4) WHEN 4 THEN r.state IN (3, 6) ELSE false END
"""

# Whose address it is: from the recipient's row, or from the frozen audience while that row is still to be written.
_CONTACTS = """
SELECT w.reason, coalesce(r.contact_id, c.contact_ids[w.position - c.first_position + 1])
FROM unnest(%(messages)s::bigint[], %(positions)s::int[], %(reasons)s::text[]) AS w(message_id, position, reason)
JOIN {message} m ON m.id = w.message_id
LEFT JOIN LATERAL (
    SELECT r.contact_id FROM {recipient} r
    WHERE r.month = m.month AND r.message_id = w.message_id AND r.position = w.position LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT c.contact_ids, c.first_position FROM {chunk} c
    WHERE r.contact_id IS NULL AND c.message_id = w.message_id AND c.positions IS NULL
      AND w.position >= c.first_position AND w.position < c.first_position + c.size LIMIT 1
) c ON true
"""

# For the end of a message: what came before the recipient's row was there, or while it was still in doubt.
_LATER_NEWS = """
SELECT e.kind, e.message_id, e.position, e.at, e.detail FROM {message} m
JOIN {engagement} g ON g.month = m.month AND g.message_id = m.id AND (g.bounced_at IS NOT NULL OR g.complained_at IS NOT NULL)
JOIN {recipient} r ON r.month = m.month AND r.message_id = m.id AND r.position = g.position AND r.state = 3
JOIN {event} e ON e.month = m.month AND e.message_id = m.id AND e.position = g.position AND e.kind IN (4, 5, 6, 8)
WHERE m.id = %(message)s ORDER BY e.at
"""

_DOUBTFUL = """
SELECT e.kind, e.message_id, e.position, e.at, e.detail FROM {message} m
JOIN {recipient} r ON r.month = m.month AND r.message_id = m.id AND r.state = 10
JOIN {event} e ON e.month = m.month AND e.message_id = m.id AND e.position = r.position
WHERE m.id = %(message)s ORDER BY e.at
"""
