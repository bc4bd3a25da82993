"""News become deliveries: one for each endpoint that wants the kind, exactly once, in one statement."""

from django.db import transaction

from common.database import connection

AT_ONCE = 2_000

# An endpoint that is being deleted is waited for, then passed over.
_FAN_OUT = """
WITH taken AS MATERIALIZED (
    DELETE FROM outbound_news n USING (
        SELECT id FROM outbound_news ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS first WHERE n.id = first.id
    RETURNING n.id, n.at, n.kind, n.month, n.message_id, n.position, n.attempt, n.code, n.detail
), wanted AS MATERIALIZED (
    SELECT e.id, e.kinds FROM callbacks_endpoint e WHERE e.state = 'active' FOR KEY SHARE OF e
), told AS (
    INSERT INTO callbacks_delivery
        (endpoint_id, event_id, kind, at, month, message_id, position, lane, attempt, code, detail, state, due_at)
    SELECT e.id, gen_random_uuid(), n.kind, n.at, n.month, n.message_id, n.position,
        CASE WHEN s.message_id IS NULL THEN n.position ELSE -1 END, n.attempt, n.code, n.detail, 'waiting', statement_timestamp()
    FROM taken n
    JOIN wanted e ON e.kinds::text[] && ARRAY['*', n.kind::text]
    LEFT JOIN outbound_submission s ON s.month = n.month AND s.message_id = n.message_id
    ORDER BY n.id, e.id
)
SELECT count(*) FROM taken
"""


def pump_news() -> int:
    """Turn up to 2,000 news of the entered tenant into deliveries. Returns how many news there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FAN_OUT, [AT_ONCE])
        return int(cursor.fetchone()[0])
