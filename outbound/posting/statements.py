"""The senders' SQL, composed once for a schema; every table is named with it."""

from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

from outbound.posting.whole import RANKS, STANDS, STATED


@dataclass(frozen=True, slots=True)
class Statements:
    """One composed statement each; what they do is said where they stand below."""

    claim: sql.Composed
    content: sql.Composed
    attachments: sql.Composed
    keep_links: sql.Composed
    people: sql.Composed
    renew: sql.Composed
    expired: sql.Composed
    in_batch: sql.Composed
    overdue: sql.Composed
    hold: sql.Composed
    write: sql.Composed
    restate: sql.Composed
    release: sql.Composed
    drop_batches: sql.Composed
    settle_doubts: sql.Composed
    confirm: sql.Composed
    next_due: sql.Composed
    put_back: sql.Composed


@lru_cache(maxsize=256)
def for_schema(schema: str) -> Statements:
    tables: dict[str, sql.Composable] = {
        name.partition("_")[2]: sql.Identifier(schema, name)
        for name in (
            "outbound_message", "outbound_submission", "outbound_attachment", "outbound_queue", "outbound_batch",
            "outbound_recipient", "outbound_attempt", "outbound_daily", "outbound_accountday", "outbound_news", "outbound_listener",
            "outbound_event", "contacts_contact", "contacts_suppression",
        )
    }  # fmt: skip
    words = {
        **tables,
        "schema": sql.Literal(schema),
        "stands": sql.SQL(STANDS).format(**tables),
        "stated": sql.SQL(STATED).format(ranks=sql.SQL(RANKS)),
        "next": sql.SQL(_NEXT).format(queue=tables["queue"], batch=tables["batch"]),
    }
    texts = (
        _CLAIM, _CONTENT, _ATTACHMENTS, _KEEP_LINKS, _PEOPLE, _RENEW, _EXPIRED, _IN_BATCH, _OVERDUE, _HOLD, _WRITE, _RESTATE, _RELEASE,
        _DROP_BATCHES, _SETTLE_DOUBTS, _CONFIRM, _NEXT_DUE, _PUT_BACK,
    )  # fmt: skip
    return Statements(*(sql.SQL(text).format(**words) for text in texts))


# Takes due recipients into a new batch: most by priority, a share of the oldest whatever theirs is, so that nobody
# starves. Each priority is a place of its own in the index, so neither scheduled mail nor the length of the queue costs
# anything; the rows stream in order of priority and no more are locked than are taken. Messages are taken until their
# contents fill the given bytes, at least one. `worst`: only priorities up to it.
_CLAIM = """
WITH urgent AS MATERIALIZED (
    SELECT q.id FROM generate_series(1, %(worst)s) AS p CROSS JOIN LATERAL (
        SELECT q.id FROM {queue} q WHERE q.batch_id IS NULL AND q.priority = p AND q.due_at <= now()
        ORDER BY q.due_at, q.id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) q LIMIT %(most)s
), oldest AS MATERIALIZED (
    SELECT q.id FROM {queue} q WHERE q.batch_id IS NULL AND q.id IN (
        SELECT o.id FROM generate_series(1, %(worst)s) AS p CROSS JOIN LATERAL (
            SELECT q.id, q.due_at FROM {queue} q
            WHERE q.batch_id IS NULL AND q.priority = p AND q.due_at <= now()
            ORDER BY q.due_at, q.id LIMIT %(oldest)s
        ) o ORDER BY o.due_at, o.id LIMIT %(oldest)s
    ) FOR UPDATE SKIP LOCKED
), weighed AS (
    SELECT q.id, sum(CASE WHEN q.first THEN s.size ELSE 0 END) OVER (ORDER BY q.aged DESC, q.priority, q.due_at, q.id) AS bytes,
        CASE WHEN q.first THEN s.size ELSE 0 END AS own,
        row_number() OVER (ORDER BY q.aged DESC, q.priority, q.due_at, q.id) AS n
    FROM (
        SELECT q.*, q.id IN (SELECT id FROM oldest) AS aged, row_number() OVER (PARTITION BY q.message_id ORDER BY q.id) = 1 AS first
        FROM {queue} q WHERE q.id IN (SELECT id FROM urgent UNION SELECT id FROM oldest)
    ) q JOIN {submission} s ON s.month = q.month AND s.message_id = q.message_id
), chosen AS MATERIALIZED (
    SELECT id, (n - 1)::smallint AS place, own FROM weighed WHERE bytes - own < %(bytes)s AND n <= %(most)s
), batch AS (
    INSERT INTO {batch} (owner, lease_until, provider_id, size)
    SELECT %(owner)s, now() + make_interval(secs => %(seconds)s), %(provider)s, count(*) FROM chosen HAVING count(*) > 0
    RETURNING id
)
UPDATE {queue} q SET batch_id = b.id, place = c.place FROM chosen c, batch b WHERE q.id = c.id
RETURNING b.id, q.id, q.place, q.month, q.message_id, q.position, q.email, q.priority, q.due_at, q.since, q.attempt, c.own
"""

_CONTENT = """
SELECT s.message_id, s.from_address, s.from_name, s.reply_to, s.recipients, s.subject, s.html, s.text, s.headers, s.tracked,
    s.created_at, s.addresses, s.door, s.size, s.month
FROM unnest(%(months)s::date[], %(messages)s::bigint[]) AS w(month, message_id)
JOIN {submission} s ON s.month = w.month AND s.message_id = w.message_id
"""

_ATTACHMENTS = """
SELECT a.message_id, a.filename, a.content_type, a.content_id, a.content
FROM unnest(%(months)s::date[], %(messages)s::bigint[]) AS w(month, message_id)
JOIN {attachment} a ON a.month = w.month AND a.message_id = w.message_id ORDER BY a.message_id, a.number
"""

_KEEP_LINKS = """
UPDATE {message} m SET links = w.links::jsonb FROM unnest(%(messages)s::bigint[], %(links)s::text[]) AS w(id, links)
WHERE m.id = w.id AND m.links = '[]'
"""

# Suppression is looked up again when the batch is taken: seconds before the mail leaves.
_PEOPLE = """
SELECT w.key, k.id, (SELECT s.reason FROM {suppression} s WHERE s.email_key = w.key AND s.reason IN ('hard_bounce', 'complaint')
    ORDER BY s.reason DESC LIMIT 1)
FROM unnest(%(keys)s::text[]) AS w(key) LEFT JOIN {contact} k ON k.email_key = w.key
"""

_RENEW = """
UPDATE {batch} SET lease_until = now() + make_interval(secs => %(seconds)s) WHERE id = ANY(%(batches)s::bigint[]) RETURNING id
"""

_EXPIRED = """
SELECT id, provider_id, size, extract(epoch FROM now() - lease_until)::float8 FROM {batch} WHERE lease_until < now()
ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED
"""

_IN_BATCH = """
SELECT q.id, q.place, q.month, q.message_id, q.position, q.attempt, k.id
FROM {queue} q JOIN {submission} s ON s.month = q.month AND s.message_id = q.message_id
LEFT JOIN {contact} k ON k.email_key = s.addresses[q.position + 1]
WHERE q.batch_id = %(batch)s ORDER BY q.place
"""

# Nobody took them, and now they are too old to be of use.
_OVERDUE = """
SELECT q.id, q.month, q.message_id, q.position, r.reason, r.code, coalesce(r.contact_id, k.id, 0)
FROM {queue} q JOIN {submission} s ON s.month = q.month AND s.message_id = q.message_id
LEFT JOIN {contact} k ON k.email_key = s.addresses[q.position + 1]
LEFT JOIN {recipient} r ON r.month = q.month AND r.message_id = q.message_id AND r.position = q.position
WHERE q.batch_id IS NULL AND q.due_at <= now() AND q.since < %(before)s ORDER BY q.id LIMIT 500 FOR UPDATE OF q SKIP LOCKED
"""

# Whoever writes about a message holds its row first, in the order of ids: so the next statement sees what the others wrote.
_HOLD = "SELECT m.id FROM {message} m WHERE m.id = ANY(%(messages)s::bigint[]) ORDER BY m.id FOR NO KEY UPDATE"

# Outcomes. Only who still stands in the batch that the outcome is from is touched: a statement that is sent again, or
# comes after the batch was recovered by somebody else, writes nothing. News only for kinds that somebody listens to.
# What an account was given, or may have been, is counted for its daily limit.
_WRITE = """
WITH o AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(batches)s::bigint[], %(contacts)s::bigint[], %(states)s::smallint[], %(codes)s::smallint[],
        %(reasons)s::text[], %(nexts)s::timestamptz[], %(providers)s::bigint[])
        AS o(id, batch, contact_id, state, code, reason, next_at, provider_id)
), gone AS (
    DELETE FROM {queue} q USING o WHERE q.id = o.id AND q.batch_id IS NOT DISTINCT FROM o.batch AND o.state <> 2
    RETURNING q.id, q.month, q.message_id, q.position, q.attempt
), back AS (
    UPDATE {queue} q SET batch_id = NULL, place = NULL, attempt = q.attempt + 1, due_at = o.next_at
    FROM o WHERE q.id = o.id AND q.batch_id IS NOT DISTINCT FROM o.batch AND o.state = 2
    RETURNING q.id, q.month, q.message_id, q.position, (q.attempt - 1)::smallint AS attempt
), done AS MATERIALIZED (
    SELECT d.*, o.contact_id, o.state, o.code, o.reason, o.next_at, o.provider_id
    FROM (TABLE gone UNION ALL TABLE back) d JOIN o ON o.id = d.id ORDER BY d.month, d.message_id, d.position
), tried AS (
    INSERT INTO {attempt} (month, message_id, position, number, state, code, reason, at, provider_id)
    SELECT month, message_id, position, attempt, state, code, reason, now(), provider_id FROM done WHERE state = 2
    ON CONFLICT DO NOTHING
), added AS (
    INSERT INTO {recipient} AS r (month, message_id, position, contact_id, state, attempts, code, reason, at, next_at, provider_id)
    SELECT month, message_id, position, contact_id, state, attempt, code, reason, now(), next_at, provider_id FROM done
    ON CONFLICT (month, message_id, position) DO UPDATE SET contact_id = excluded.contact_id, state = excluded.state,
        attempts = excluded.attempts, code = excluded.code, reason = excluded.reason, at = excluded.at, next_at = excluded.next_at,
        provider_id = excluded.provider_id
), told AS (
    INSERT INTO {daily} AS d (day, origin, slot, sent, deferred, refused_hard, refused_soft, failed, cancelled, suppressed, in_doubt)
    SELECT (now() AT TIME ZONE 'UTC')::date, 'single', pg_backend_pid() %% 4,
        count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 5),
        count(*) FILTER (WHERE state = 6), count(*) FILTER (WHERE state = 7), count(*) FILTER (WHERE state = 8),
        count(*) FILTER (WHERE state = 9), count(*) FILTER (WHERE state = 10)
    FROM done HAVING count(*) > 0
    ON CONFLICT (day, origin, slot) DO UPDATE SET sent = d.sent + excluded.sent, deferred = d.deferred + excluded.deferred,
        refused_hard = d.refused_hard + excluded.refused_hard, refused_soft = d.refused_soft + excluded.refused_soft,
        failed = d.failed + excluded.failed, cancelled = d.cancelled + excluded.cancelled,
        suppressed = d.suppressed + excluded.suppressed, in_doubt = d.in_doubt + excluded.in_doubt
), given AS (
    INSERT INTO {accountday} AS a (day, provider_id, slot, given)
    SELECT (now() AT TIME ZONE 'UTC')::date, provider_id, pg_backend_pid() %% 4, count(*) FROM done
    WHERE state IN (3, 10) AND provider_id IS NOT NULL GROUP BY provider_id ORDER BY provider_id
    ON CONFLICT (day, provider_id, slot) DO UPDATE SET given = a.given + excluded.given
), news AS (
    INSERT INTO {news} (at, kind, month, message_id, position, attempt, code, detail)
    SELECT now(), l.kind, d.month, d.message_id, d.position, d.attempt, d.code,
        jsonb_strip_nulls(jsonb_build_object('reason', d.reason, 'next_at', d.next_at))
    FROM done d JOIN {listener} l ON l.kind = (ARRAY['deferred', 'sent', NULL, 'bounced', 'bounced', 'failed', 'cancelled', 'suppressed',
        'in_doubt'])[d.state - 1]
)
SELECT id FROM done
"""

# Where messages stand as a whole, from their recipients and the queue; in a statement of its own, after `hold`. A row
# comes back for each: its id, whether it is finished now, and whether something was told of it already.
_RESTATE = """
WITH given AS MATERIALIZED (
    SELECT g.message_id, g.reference, m.month FROM unnest(%(messages)s::bigint[], %(references)s::text[]) AS g(message_id, reference)
    JOIN {message} m ON m.id = g.message_id
), stands AS MATERIALIZED (
    SELECT g.month, g.message_id, g.reference, s.* FROM given g CROSS JOIN LATERAL (
        {stands}
    ) s WHERE s.rank IS NOT NULL
), stated AS (
    UPDATE {submission} s SET {stated},
        retries = greatest(s.retries, w.tries - 1), provider_id = coalesce(w.provider_id, s.provider_id),
        provider_reference = CASE WHEN w.reference = '' THEN s.provider_reference ELSE left(w.reference, 200) END
    FROM stands w WHERE s.month = w.month AND s.message_id = w.message_id
), ended AS (
    UPDATE {message} m SET state = 'finished', finished_at = now() FROM stands w
    WHERE m.id = w.message_id AND m.state = 'sending' AND NOT w.waits
)
SELECT w.message_id, NOT w.waits, EXISTS (SELECT 1 FROM {event} e WHERE e.month = w.month AND e.message_id = w.message_id) FROM stands w
"""

_RELEASE = """
UPDATE {queue} q SET batch_id = NULL, place = NULL FROM unnest(%(ids)s::bigint[], %(batches)s::bigint[]) AS g(id, batch)
WHERE q.id = g.id AND q.batch_id = g.batch
"""

_DROP_BATCHES = """
DELETE FROM {batch} b WHERE b.id = ANY(%(batches)s::bigint[]) AND NOT EXISTS (SELECT 1 FROM {queue} q WHERE q.batch_id = b.id)
"""

# Facts of a batch that somebody else has recovered: they can only settle what was left in doubt.
_SETTLE_DOUBTS = """
UPDATE {recipient} r SET state = 3, reason = NULL, at = now()
FROM unnest(%(messages)s::bigint[], %(positions)s::int[]) AS w(message_id, position) JOIN {message} m ON m.id = w.message_id
WHERE r.month = m.month AND r.message_id = w.message_id AND r.position = w.position AND r.state = 10
"""

# Deliveries that were told before the recipient's row was there.
_CONFIRM = """
UPDATE {recipient} r SET state = 4, at = e.at FROM {message} m JOIN {event} e ON e.month = m.month AND e.message_id = m.id AND e.kind = 7
WHERE m.id = ANY(%(messages)s::bigint[]) AND r.month = m.month AND r.message_id = m.id AND r.position = e.position AND r.state = 3
"""

# When somebody has to look at this tenant next: at its first waiting recipient, or when a sender's batch runs out.
_NEXT = """
SELECT least(
    (SELECT min(o.due_at) FROM generate_series(1, 5) AS p CROSS JOIN LATERAL (
        SELECT q.due_at FROM {queue} q WHERE q.batch_id IS NULL AND q.priority = p ORDER BY q.due_at LIMIT 1) o),
    (SELECT greatest(b.lease_until, now() + interval '1 second') FROM {batch} b ORDER BY b.lease_until LIMIT 1)
)"""

_NEXT_DUE = "SELECT n.due FROM ({next}) AS n(due)"

_PUT_BACK = """
INSERT INTO public.tenants_waitingmail AS w (schema, due_at) SELECT {schema}, n.due FROM ({next}) AS n(due) WHERE n.due IS NOT NULL
ON CONFLICT (schema) DO UPDATE SET due_at = least(w.due_at, excluded.due_at)
"""
