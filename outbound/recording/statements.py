"""The SQL of recording, every table named with its schema, so that no search path can lead it astray."""

from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

from outbound.posting.whole import RANKS, STANDS, STATED
from outbound.recording.machines import MOST_LINKS, SOONEST, TAKE_BACK

# Recorders of one message take turns, so that "the first of this recipient" is exact and no two wait for each
# other in a circle. So many turns a tenant, lest a batch over many messages fill the server's lock table.
LOCKS = 64
LOCK = "SELECT pg_advisory_xact_lock(%s::int, turn) FROM unnest(%s::int[]) AS turn"


@dataclass(frozen=True, slots=True)
class Statements:
    take_turns: sql.Composed
    add: sql.Composed
    take_back: sql.Composed
    settle_doubts: sql.Composed
    move_states: sql.Composed
    contacts: sql.Composed
    later_news: sql.Composed
    doubtful: sql.Composed


@lru_cache(maxsize=256)
def for_schema(schema: str) -> Statements:
    words: dict[str, sql.Composable] = {
        name: sql.Identifier(schema, f"outbound_{name}")
        for name in (
            "message", "chunk", "recipient", "event", "engagement", "tally", "daily", "submission", "queue", "news", "listener",
        )
    }  # fmt: skip
    words |= {"stands": sql.SQL(STANDS).format(**words), "stated": sql.SQL(STATED).format(ranks=sql.SQL(RANKS))}
    words["ranks"] = sql.SQL(RANKS)
    words["event_partitions"] = sql.Literal(f'"{schema}".outbound_event_')
    words |= {f"soonest_{name}": _seconds(SOONEST[kind]) for name, kind in (("open", 1), ("click", 2))}
    (many, long), (some, short) = sorted(MOST_LINKS.items(), reverse=True)
    words |= {"many": sql.Literal(many), "long": _seconds(long), "some": sql.Literal(some), "short": _seconds(short)}
    return Statements(
        *(
            sql.SQL(text).format(**words)
            for text in (_TAKE_TURNS, _ADD, TAKE_BACK, _SETTLE_DOUBTS, _MOVE_STATES, _CONTACTS, _LATER_NEWS, _DOUBTFUL)
        )
    )


def _seconds(number: int) -> sql.Composable:
    return sql.SQL("interval {}").format(sql.Literal(f"{number} seconds"))


# Recorders take turns, as above; and where a message was submitted, its senders wait too: its row is held from here on,
# so that where it stands as a whole is always told from all that is known. Campaigns' messages are left alone.
_TAKE_TURNS = """
WITH turns AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(tenant)s::int, turn) FROM unnest(%(turns)s::int[]) AS turn)
SELECT m.id FROM {message} m
WHERE m.id = ANY(%(distinct)s::bigint[]) AND m.provider_id IS NULL AND (SELECT count(*) FROM turns) >= 0
ORDER BY m.id FOR NO KEY UPDATE
"""

# Events, each recipient's engagement, the hourly tallies and the day's counts of one batch. Opens (1) and clicks (2) always count;
# of everything else only the first of its kind does, so that a provider may tell us twice.
# The look-ups are LATERAL or scalar on purpose: each is one step into an index, whatever the planner knows.
# A message whose partition was dropped when its retention ended is unknown.
# What `judged` finds out costs a look-up only while the message is being sent.
# Whose mail was taken a moment ago has not read it yet; a doubt that this very batch settled says nothing about when.
_ADD = """
WITH given AS MATERIALIZED (
    SELECT n, kind, message_id, position, link::smallint, to_timestamp(at) AS at, ip,
        (%(words)s::text[])[agent] AS agent, (%(words)s::text[])[detail] AS detail, human
    FROM unnest(%(kinds)s::smallint[], %(messages)s::bigint[], %(positions)s::int[], %(links)s::int[], %(ats)s::float8[],
        %(ips)s::inet[], %(agents)s::int[], %(details)s::int[], %(humans)s::bool[])
        WITH ORDINALITY AS g(kind, message_id, position, link, at, ip, agent, detail, human, n)
), message AS MATERIALIZED (
    SELECT id, month, total, finished_at, split_part(origin, ':', 1) AS origin FROM {message} WHERE id = ANY(%(distinct)s::bigint[])
      AND to_regclass({event_partitions} || to_char(month, 'YYYYMM')) IS NOT NULL
), judged AS MATERIALIZED (
    SELECT g.n, g.kind, g.message_id, g.position, g.link, g.at, g.ip, g.agent, g.detail, m.month,
        CASE WHEN g.human AND (m.finished_at IS NULL OR g.at < m.finished_at + {soonest_click}) THEN NOT coalesce((
            SELECT g.at - r.at BETWEEN interval '-1 second' AND CASE g.kind WHEN 1 THEN {soonest_open} ELSE {soonest_click} END
            FROM {recipient} r WHERE r.month = m.month AND r.message_id = m.id AND r.position = g.position
              AND r.state IN (3, 4) AND r.at <> now() LIMIT 1
        ), false) ELSE g.human END AS human
    FROM given g JOIN message m ON m.id = g.message_id WHERE g.position >= 0 AND g.position < m.total
), known AS (
    SELECT j.*, row_number() OVER hit AS nth, row_number() OVER hit_of_link AS nth_of_link,
        count(*) FILTER (WHERE j.human) OVER hit AS nth_human, count(*) FILTER (WHERE j.human) OVER hit_of_link AS nth_human_of_link
    FROM judged j
    WINDOW hit AS (PARTITION BY j.message_id, j.position, j.kind ORDER BY j.n),
        hit_of_link AS (PARTITION BY j.message_id, j.position, j.kind, j.link ORDER BY j.n)
), fresh AS MATERIALIZED (
    SELECT k.*,
        k.nth = 1 AND CASE k.kind WHEN 1 THEN coalesce(b.opens, 0) = 0 WHEN 2 THEN coalesce(b.clicks, 0) = 0 ELSE true END AS is_first,
        k.link IS NOT NULL AND k.nth_of_link = 1 AND k.link <> ALL(coalesce(b.links, '{{}}')) AS is_first_of_link,
        k.human AND k.nth_human = 1 AND CASE k.kind WHEN 1 THEN b.human_opened_at ELSE b.human_clicked_at END IS NULL AS is_first_human,
        k.human AND k.link IS NOT NULL AND k.nth_human_of_link = 1 AND k.link <> ALL(coalesce(b.human_links, '{{}}'))
            AS is_first_human_of_link,
        b.bounced_at IS NULL AND k.kind IN (4, 5, 8) AS is_new_bounce
    FROM known k LEFT JOIN LATERAL (
        SELECT e.opens, e.clicks, e.links, e.bounced_at, e.human_opened_at, e.human_clicked_at, e.human_links FROM {engagement} e
        WHERE e.month = k.month AND e.message_id = k.message_id AND e.position = k.position LIMIT 1
    ) b ON true
    WHERE k.kind IN (1, 2) OR k.nth = 1 AND (
        SELECT 1 FROM {event} e WHERE e.month = k.month AND e.message_id = k.message_id AND e.position = k.position
          AND e.kind = k.kind LIMIT 1) IS NULL
), stored AS (
    INSERT INTO {event} (month, at, kind, message_id, position, link, ip, agent, detail, human)
    SELECT month, at, kind, message_id, position, link, ip, agent, detail, human FROM fresh ORDER BY n
), touched AS (
    INSERT INTO {engagement} AS e
        (month, message_id, position, opened_at, clicked_at, unsubscribed_at, complained_at, bounced_at, opens, clicks, links,
            human_opened_at, human_clicked_at, human_links)
    SELECT month, message_id, position, min(at) FILTER (WHERE kind = 1), min(at) FILTER (WHERE kind = 2),
        min(at) FILTER (WHERE kind = 3), min(at) FILTER (WHERE kind = 6), min(at) FILTER (WHERE kind IN (4, 5, 8)),
        count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2),
        coalesce(array_agg(link ORDER BY n) FILTER (WHERE kind = 2 AND is_first_of_link), '{{}}'),
        min(at) FILTER (WHERE kind = 1 AND human), min(at) FILTER (WHERE kind = 2 AND human),
        coalesce(array_agg(link ORDER BY n) FILTER (WHERE kind = 2 AND is_first_human_of_link), '{{}}')
    FROM fresh WHERE kind <> 7 GROUP BY month, message_id, position ORDER BY month, message_id, position
    ON CONFLICT (month, message_id, position) DO UPDATE SET
        opened_at = least(e.opened_at, excluded.opened_at), clicked_at = least(e.clicked_at, excluded.clicked_at),
        unsubscribed_at = least(e.unsubscribed_at, excluded.unsubscribed_at),
        complained_at = least(e.complained_at, excluded.complained_at), bounced_at = least(e.bounced_at, excluded.bounced_at),
        opens = e.opens + excluded.opens, clicks = e.clicks + excluded.clicks, links = e.links || excluded.links,
        human_opened_at = least(e.human_opened_at, excluded.human_opened_at),
        human_clicked_at = least(e.human_clicked_at, excluded.human_clicked_at),
        human_links = e.human_links || excluded.human_links
    RETURNING message_id, position, clicked_at, human_clicked_at, links
), sums AS MATERIALIZED (
    SELECT message_id, kind, date_trunc('hour', at, 'UTC') AS hour, -1 AS link, count(*) AS count,
        count(*) FILTER (WHERE is_first) AS uniques, count(*) FILTER (WHERE human) AS human_count,
        count(*) FILTER (WHERE is_first_human) AS human_uniques
    FROM fresh GROUP BY 1, 2, 3
    UNION ALL
    SELECT message_id, kind, date_trunc('hour', at, 'UTC'), link, count(*), count(*) FILTER (WHERE is_first_of_link),
        count(*) FILTER (WHERE human), count(*) FILTER (WHERE is_first_human_of_link)
    FROM fresh WHERE link IS NOT NULL GROUP BY 1, 2, 3, 4
), counted AS (
    INSERT INTO {tally} AS t (message_id, kind, hour, link, count, uniques, human_count, human_uniques)
    SELECT message_id, kind, hour, link, count, uniques, human_count, human_uniques FROM sums ORDER BY message_id, kind, hour, link
    ON CONFLICT (message_id, kind, hour, link) DO UPDATE SET count = t.count + excluded.count, uniques = t.uniques + excluded.uniques,
        human_count = t.human_count + excluded.human_count, human_uniques = t.human_uniques + excluded.human_uniques
), bounced AS (
    SELECT DISTINCT ON (message_id, position) message_id, 0 AS kind, at AS hour, 1 AS count, 1 AS uniques, 0 AS human_uniques
    FROM fresh WHERE is_new_bounce ORDER BY message_id, position, n
), told AS (
    INSERT INTO {daily} AS d (day, origin, slot, opens, opened, clicks, clicked, unsubscribed, bounced_hard, bounced_soft,
        complained, confirmed, blocked, came_back, human_opened, human_clicked)
    SELECT (s.hour AT TIME ZONE 'UTC')::date, m.origin, 4 + pg_backend_pid() %% 4,
        coalesce(sum(count) FILTER (WHERE kind = 1), 0), coalesce(sum(uniques) FILTER (WHERE kind = 1), 0),
        coalesce(sum(count) FILTER (WHERE kind = 2), 0), coalesce(sum(uniques) FILTER (WHERE kind = 2), 0),
        coalesce(sum(count) FILTER (WHERE kind = 3), 0), coalesce(sum(count) FILTER (WHERE kind = 4), 0),
        coalesce(sum(count) FILTER (WHERE kind = 5), 0), coalesce(sum(count) FILTER (WHERE kind = 6), 0),
        coalesce(sum(count) FILTER (WHERE kind = 7), 0), coalesce(sum(count) FILTER (WHERE kind = 8), 0),
        coalesce(sum(count) FILTER (WHERE kind = 0), 0),
        coalesce(sum(human_uniques) FILTER (WHERE kind = 1), 0), coalesce(sum(human_uniques) FILTER (WHERE kind = 2), 0)
    FROM (SELECT message_id, kind, hour, count, uniques, human_uniques FROM sums WHERE link = -1 UNION ALL TABLE bounced) s
    JOIN message m ON m.id = s.message_id GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day, origin, slot) DO UPDATE SET opens = d.opens + excluded.opens, opened = d.opened + excluded.opened,
        clicks = d.clicks + excluded.clicks, clicked = d.clicked + excluded.clicked,
        unsubscribed = d.unsubscribed + excluded.unsubscribed, bounced_hard = d.bounced_hard + excluded.bounced_hard,
        bounced_soft = d.bounced_soft + excluded.bounced_soft, complained = d.complained + excluded.complained,
        confirmed = d.confirmed + excluded.confirmed, blocked = d.blocked + excluded.blocked,
        came_back = d.came_back + excluded.came_back, human_opened = d.human_opened + excluded.human_opened,
        human_clicked = d.human_clicked + excluded.human_clicked
), news AS (
    INSERT INTO {news} (at, kind, month, message_id, position, detail)
    SELECT f.at, l.kind, f.month, f.message_id, f.position, jsonb_strip_nulls(jsonb_build_object('reason', f.detail,
        'url', CASE WHEN f.kind = 2 THEN (SELECT m.links -> f.link::int ->> 'url' FROM {message} m WHERE m.id = f.message_id) END,
        'by_machine', CASE WHEN f.kind <= 2 AND NOT f.human THEN true END))
    FROM fresh f JOIN {listener} l ON l.kind = (ARRAY['opened', 'clicked', 'unsubscribed', 'bounced', 'bounced', 'complained',
        'delivered', 'bounced'])[f.kind]
    ORDER BY f.n
), stated AS (
    UPDATE {submission} s SET {stated}
    FROM (SELECT m.month, m.id AS message_id FROM message m WHERE m.origin = 'single') g CROSS JOIN LATERAL ({stands}) w
    WHERE s.month = g.month AND s.message_id = g.message_id AND s.state <> ({ranks})[w.rank]
), suspect AS (
    SELECT DISTINCT t.message_id, t.position FROM touched t JOIN fresh f ON f.message_id = t.message_id AND f.position = t.position
    WHERE t.human_clicked_at IS NOT NULL AND f.kind = 2 AND t.clicked_at >= (SELECT min(at) - {long} FROM fresh WHERE kind = 2) AND (
        cardinality(t.links) >= {many} AND f.at <= t.clicked_at + {long}
        OR cardinality(t.links) >= {some} AND f.at <= t.clicked_at + {short})
)
SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM fresh), pg_current_xact_id()::text,
    (SELECT array_agg(message_id) FROM suspect), (SELECT array_agg(position) FROM suspect)
"""

# Whatever happened to a recipient proves that the provider had the mail. A chunk that is still being worked on
# belongs to its worker, who writes its counts in absolute numbers: its doubts are settled when the message ends. Single
# messages have no chunks.
_SETTLE_DOUBTS = """
WITH seen AS MATERIALIZED (
    SELECT DISTINCT s.message_id, s.position FROM unnest(%(messages)s::bigint[], %(positions)s::int[]) AS s(message_id, position)
), doubt AS MATERIALIZED (
    SELECT r.month, r.message_id, r.position, m.provider_id IS NULL AS single FROM {message} m CROSS JOIN LATERAL (
        SELECT r.month, r.message_id, r.position FROM {recipient} r
        WHERE r.month = m.month AND r.message_id = m.id AND r.state = 10 OFFSET 0
    ) r JOIN seen s ON s.message_id = r.message_id AND s.position = r.position
    WHERE m.id = ANY(%(distinct)s::bigint[])
), home AS MATERIALIZED (
    SELECT d.*, c.id AS chunk_id FROM doubt d LEFT JOIN LATERAL (
        SELECT c.id, c.state FROM {chunk} c WHERE c.message_id = d.message_id AND (
            c.positions IS NULL AND d.position >= c.first_position AND d.position < c.first_position + c.size
            OR d.position = ANY(c.positions))
        ORDER BY c.attempt DESC LIMIT 1
    ) c ON true WHERE c.state = 'done' OR d.single
), held AS MATERIALIZED (
    SELECT c.id FROM {chunk} c WHERE c.id IN (SELECT chunk_id FROM home) AND c.state = 'done' ORDER BY c.id FOR NO KEY UPDATE
), settled AS (
    UPDATE {recipient} r SET state = 3, reason = NULL, at = now() FROM home h
    WHERE r.month = h.month AND r.message_id = h.message_id AND r.position = h.position AND r.state = 10
      AND (h.single OR h.chunk_id IN (SELECT id FROM held))
    RETURNING h.chunk_id, h.message_id
), told AS (
    INSERT INTO {daily} AS d (day, origin, slot, sent)
    SELECT (now() AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), 8 + pg_backend_pid() %% 4, count(*)
    FROM settled s JOIN {message} m ON m.id = s.message_id GROUP BY 2 ORDER BY 2
    ON CONFLICT (day, origin, slot) DO UPDATE SET sent = d.sent + excluded.sent
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

# Whose address it is: from the recipient's row, or from the frozen audience while that row is still to be written. Single
# messages name the address itself, which may be no contact's.
_CONTACTS = """
SELECT w.reason, coalesce(r.contact_id, c.contact_ids[w.position - c.first_position + 1]), s.recipients -> w.position ->> 'email',
    s.addresses[w.position + 1]
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
LEFT JOIN LATERAL (
    SELECT s.recipients, s.addresses FROM {submission} s
    WHERE m.provider_id IS NULL AND s.month = m.month AND s.message_id = m.id LIMIT 1
) s ON true
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
