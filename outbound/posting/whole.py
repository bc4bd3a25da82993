"""Where a submitted message stands as a whole, as SQL: the senders and the recorders of events use the same words."""

# The least finished of a message's recipients decides, of finished ones the worst: the first of these that any of them is.
RANKS = "ARRAY['scheduled', 'queued', 'deferred', 'failed', 'bounced', 'in_doubt', 'cancelled', 'sent', 'delivered']"

# One row about the message `g` (month, message_id); without a rank for one that has no recipient any more. A complaint
# comes from a mailbox that took the mail.
STANDS = """
SELECT min(p.rank) AS rank, bool_or(p.rank <= 3) AS waits, max(p.tries) AS tries,
    (array_agg(p.provider_id ORDER BY p.at DESC NULLS LAST) FILTER (WHERE p.provider_id IS NOT NULL))[1] AS provider_id,
    (array_agg(p.reason ORDER BY p.rank, p.at DESC) FILTER (WHERE p.rank BETWEEN 3 AND 6 AND p.reason IS NOT NULL))[1] AS reason
FROM (
    SELECT r.provider_id, r.at, r.reason, greatest(r.attempts, q.attempt) AS tries, CASE
        WHEN q.position IS NOT NULL AND r.state = 2 THEN 3
        WHEN q.position IS NOT NULL AND r.state IS NULL AND q.batch_id IS NULL AND q.due_at > now() THEN 1
        WHEN q.position IS NOT NULL THEN 2
        WHEN r.state = 3 THEN 8 WHEN r.state IN (4, 11) THEN 9 WHEN r.state IN (5, 6) THEN 5 WHEN r.state = 8 THEN 7
        WHEN r.state = 10 THEN 6 ELSE 4 END AS rank
    FROM (
        SELECT r.position, r.state, r.attempts, r.reason, r.at, r.provider_id FROM {recipient} r
        WHERE r.month = g.month AND r.message_id = g.message_id
    ) r FULL JOIN (
        SELECT q.position, q.attempt, q.batch_id, q.due_at FROM {queue} q WHERE q.message_id = g.message_id
    ) q ON q.position = r.position
) p
"""

# What follows from a row `w` of it for the submission `s`.
STATED = """
state = ({ranks})[w.rank], error = CASE WHEN w.rank BETWEEN 3 AND 6 THEN coalesce(w.reason, '') ELSE '' END,
processed_at = CASE WHEN w.waits THEN NULL ELSE coalesce(s.processed_at, now()) END
"""
