"""The SQL of taking messages in, every table named with its schema: doors run it on connections without a search path."""

from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql


@dataclass(frozen=True, slots=True)
class Statements:
    """As text: psycopg remembers how it reads a text, and puts a composed statement together anew each time."""

    facts: str
    waiting: str
    store: str
    attach: str
    news: str


@lru_cache(maxsize=256)
def for_schema(schema: str) -> Statements:
    tables = {
        name.partition("_")[2]: sql.Identifier(schema, name)
        for name in (
            "outbound_message", "outbound_submission", "outbound_attachment", "outbound_queue", "outbound_provideraccount",
            "outbound_news", "outbound_listener", "contacts_suppression", "deliverability_sendingdomain",
        )
    }  # fmt: skip
    words: dict[str, sql.Composable] = {**tables, "ids": sql.Literal(f'"{schema}".outbound_message')}
    return Statements(
        *(sql.SQL(text).format(**words).as_string() for text in (_FACTS, _WAITING, _STORE, _ATTACH, _NEWS))
    )


# One row with all that a batch of submissions must know; JSON as text, because Django's connection and a bare one read it
# differently. Suppression that stops transactional mail: the address is dead,
# or its owner complained. The queue's span is a bound for its length that costs two steps into an index.
_FACTS = """
SELECT now(),
    (SELECT array_agg(nextval(pg_get_serial_sequence({ids}, 'id'))) FROM generate_series(1, %(messages)s)),
    (SELECT json_object_agg(s.email_key, s.reason)::text FROM {suppression} s
        WHERE s.email_key = ANY(%(keys)s::text[]) AND s.reason IN ('hard_bounce', 'complaint')),
    (SELECT array_agg(d.name) FROM {sendingdomain} d WHERE d.name = ANY(%(domains)s::text[])),
    t.name, t.sender_name, t.sender_address, t.reply_to, t.tracks_single_mail, p.daily_limit,
    (SELECT d.name FROM {sendingdomain} d ORDER BY d.id LIMIT 1),
    (SELECT count(*) FROM {provideraccount} a WHERE a.is_active),
    (SELECT count(*) FROM {provideraccount} a WHERE a.is_active AND a.down_since < now() - interval '5 minutes'),
    (SELECT max(q.id) - min(q.id) FROM {queue} q),
    (SELECT json_object_agg(s.name, s.value)::text FROM public.tenants_setting s),
    (SELECT count(*) FROM {listener} l WHERE l.kind = 'queued')
FROM public.tenants_tenant t LEFT JOIN public.tenants_plan p ON p.id = t.plan_id WHERE t.id = %(tenant)s
"""

_WAITING = "SELECT count(*) FROM (SELECT 1 FROM {queue} LIMIT %(cap)s) q"

# All messages of a batch in one statement: for each it takes a quarter of what a statement of its own does, on both sides.
_STORE = """
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS g(id bigint, origin text, door text, state text, key bigint, "user" text,
        campaign text, from_address text, from_name text, reply_to text, recipients text, addresses text[], emails text[],
        subject text, html text, text text, headers text, metadata text, priority int, tracked boolean, size int,
        due timestamptz, send_at timestamptz)
), m AS (
    INSERT INTO {message} (id, origin, name, state, month, content, stamp, links, is_marketing, total, error, created_at, started_at)
    SELECT id, origin, '', 'sending', %(month)s, '{{}}', '{{}}', '[]', false, cardinality(emails), '', %(now)s, %(now)s FROM given
), s AS (
    INSERT INTO {submission} (month, message_id, door, state, key_id, user_ref, campaign_ref, from_address, from_name, reply_to,
        recipients, addresses, subject, html, text, headers, metadata, priority, tracked, size, created_at, send_at)
    SELECT %(month)s, id, door, state, key, "user", campaign, from_address, from_name, reply_to::jsonb, recipients::jsonb, addresses,
        subject, html, text, headers::jsonb, metadata::jsonb, priority, tracked, size, %(now)s, send_at FROM given
)
INSERT INTO {queue} (month, message_id, position, email, priority, due_at, since)
SELECT %(month)s, g.id, u.place - 1, u.email, g.priority, g.due, g.due
FROM given g CROSS JOIN unnest(g.emails) WITH ORDINALITY AS u(email, place)
"""

_ATTACH = """
INSERT INTO {attachment} (month, message_id, number, filename, content_type, content_id, size, content)
VALUES (%(month)s, %(id)s, %(number)s, %(filename)s, %(content_type)s, %(content_id)s, %(size)s, %(content)s)
"""

_NEWS = """
INSERT INTO {news} (at, kind, month, message_id, position)
SELECT %(now)s, 'queued', %(month)s, u.id, 0 FROM unnest(%(ids)s::bigint[]) AS u(id)
"""

# A row that is due already is left alone: then its senders look anyway.
WAKE = """
INSERT INTO public.tenants_waitingmail AS w (schema, due_at) VALUES (%(schema)s, %(due)s)
ON CONFLICT (schema) DO UPDATE SET due_at = least(w.due_at, excluded.due_at)
"""
