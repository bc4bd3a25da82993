"""The SQL of changing submitted messages. Tables are those of the entered tenant.

Whoever writes about a message holds its row first (HOLD), so the statement after it sees all that others wrote. Senders
take rows of the queue without waiting for anybody: who of them and a cancellation comes first is decided by the lock on
the queue's rows, within one statement.
"""

HOLD = "SELECT month, state FROM outbound_message WHERE id = %(id)s AND origin LIKE 'single:%%' FOR NO KEY UPDATE"

# Rows of the queue that no sender has, locked: a sender who took one a moment before is seen by its batch, one who wants
# it is passed over. With %(whole)s only if that is everybody the message goes to: then nothing of it was handed over.
# One row comes back: whether it was done, who was cancelled, who is in a sender's hands.
CANCEL = """
WITH held AS MATERIALIZED (
    SELECT q.id, q.month, q.message_id, q.position, q.attempt, q.batch_id FROM outbound_queue q
    WHERE q.message_id = %(id)s ORDER BY q.id FOR UPDATE
), verdict AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE h.batch_id IS NOT NULL) AS in_hand, count(*) FILTER (WHERE h.batch_id IS NULL) AS waiting,
        count(*) FILTER (WHERE h.batch_id IS NOT NULL) = 0
        AND (NOT %(whole)s OR count(*) = (SELECT m.total FROM outbound_message m WHERE m.id = %(id)s)) AS allowed
    FROM held h
), gone AS (
    DELETE FROM outbound_queue q USING held h, verdict v WHERE q.id = h.id AND v.allowed
    RETURNING q.month, q.message_id, q.position, q.attempt
), written AS (
    INSERT INTO outbound_recipient AS r (month, message_id, position, contact_id, state, attempts, reason, at)
    SELECT g.month, g.message_id, g.position, coalesce(k.id, 0), 8, g.attempt - 1, 'cancelled', now()
    FROM gone g JOIN outbound_submission s ON s.month = g.month AND s.message_id = g.message_id
    LEFT JOIN contacts_contact k ON k.email_key = s.addresses[g.position + 1]
    ON CONFLICT (month, message_id, position) DO UPDATE
        SET state = 8, code = NULL, reason = excluded.reason, at = excluded.at, next_at = NULL
), told AS (
    INSERT INTO outbound_daily AS d (day, origin, slot, cancelled)
    SELECT (now() AT TIME ZONE 'UTC')::date, 'single', pg_backend_pid() %% 4, count(*) FROM gone HAVING count(*) > 0
    ON CONFLICT (day, origin, slot) DO UPDATE SET cancelled = d.cancelled + excluded.cancelled
), news AS (
    INSERT INTO outbound_news (at, kind, month, message_id, position)
    SELECT now(), 'cancelled', g.month, g.message_id, g.position FROM gone g
    WHERE EXISTS (SELECT 1 FROM outbound_listener l WHERE l.kind = 'cancelled')
)
SELECT v.allowed, v.waiting, v.in_hand FROM verdict v
"""

MARK_CANCELLED = """
WITH stated AS (
    UPDATE outbound_submission SET state = 'cancelled', error = '' WHERE month = %(month)s AND message_id = %(id)s
)
UPDATE outbound_message SET state = 'cancelled', finished_at = now() WHERE id = %(id)s
"""

# Who may be tried again: failed, refused at once for a while's sake, suppressed then and not now; in doubt where that is
# wanted. Of who bounced later the mail was taken. The reply so far goes to the attempts, and what was counted is taken
# back on the day it was counted. One row comes back: how many.
RETRY = """
WITH again AS MATERIALIZED (
    SELECT r.month, r.message_id, r.position, r.state, r.attempts, r.code, r.reason, r.at, r.provider_id,
        (s.recipients -> r.position) ->> 'email' AS email, s.priority
    FROM outbound_recipient r JOIN outbound_submission s ON s.month = r.month AND s.message_id = r.message_id
    WHERE r.month = %(month)s AND r.message_id = %(id)s AND r.state = ANY(%(states)s::smallint[])
      AND NOT EXISTS (SELECT 1 FROM contacts_suppression p
          WHERE p.email_key = s.addresses[r.position + 1] AND p.reason IN ('hard_bounce', 'complaint'))
      AND NOT EXISTS (SELECT 1 FROM outbound_engagement g
          WHERE g.month = r.month AND g.message_id = r.message_id AND g.position = r.position AND g.bounced_at IS NOT NULL)
), queued AS (
    INSERT INTO outbound_queue (month, message_id, position, email, priority, due_at, since, attempt)
    SELECT month, message_id, position, email, priority, now(), now(), attempts + 1 FROM again ORDER BY position
), tried AS (
    INSERT INTO outbound_attempt (month, message_id, position, number, state, code, reason, at, provider_id)
    SELECT month, message_id, position, attempts, state, code, reason, at, provider_id FROM again ON CONFLICT DO NOTHING
), moved AS (
    UPDATE outbound_recipient r SET state = 1, next_at = NULL FROM again a
    WHERE r.month = a.month AND r.message_id = a.message_id AND r.position = a.position
), taken_back AS (
    INSERT INTO outbound_daily AS d (day, origin, slot, refused_soft, failed, suppressed)
    SELECT (at AT TIME ZONE 'UTC')::date, 'single', 8 + pg_backend_pid() %% 4, -count(*) FILTER (WHERE state = 6),
        -count(*) FILTER (WHERE state = 7), -count(*) FILTER (WHERE state = 9)
    FROM again WHERE state <> 10 GROUP BY 1 ORDER BY 1
    ON CONFLICT (day, origin, slot) DO UPDATE SET refused_soft = d.refused_soft + excluded.refused_soft,
        failed = d.failed + excluded.failed, suppressed = d.suppressed + excluded.suppressed
), stated AS (
    UPDATE outbound_submission SET state = 'queued', retries = retries + 1, processed_at = NULL, error = ''
    WHERE month = %(month)s AND message_id = %(id)s AND EXISTS (SELECT 1 FROM again)
), reopened AS (
    UPDATE outbound_message SET state = 'sending', finished_at = NULL WHERE id = %(id)s AND EXISTS (SELECT 1 FROM again)
)
SELECT count(*) FROM again
"""

# The same people, only counted.
RETRIABLE = """
SELECT count(*)
FROM outbound_recipient r JOIN outbound_submission s ON s.month = r.month AND s.message_id = r.message_id
WHERE r.month = (SELECT m.month FROM outbound_message m WHERE m.id = %(id)s) AND r.message_id = %(id)s
  AND r.state = ANY(%(states)s::smallint[])
  AND NOT EXISTS (SELECT 1 FROM contacts_suppression p
      WHERE p.email_key = s.addresses[r.position + 1] AND p.reason IN ('hard_bounce', 'complaint'))
  AND NOT EXISTS (SELECT 1 FROM outbound_engagement g
      WHERE g.month = r.month AND g.message_id = r.message_id AND g.position = r.position AND g.bounced_at IS NOT NULL)
"""

DELETE = """
WITH files AS (DELETE FROM outbound_attachment WHERE month = %(month)s AND message_id = %(id)s)
DELETE FROM outbound_submission WHERE month = %(month)s AND message_id = %(id)s
"""

CONTENT = """
SELECT door, recipients, from_address, from_name, reply_to, subject, html, text, headers, metadata, priority, campaign_ref, user_ref
FROM outbound_submission WHERE month = (SELECT m.month FROM outbound_message m WHERE m.id = %(id)s) AND message_id = %(id)s
"""

FILES = """
SELECT filename, content, content_type, content_id FROM outbound_attachment
WHERE month = (SELECT m.month FROM outbound_message m WHERE m.id = %(id)s) AND message_id = %(id)s ORDER BY number
"""

STATE = "SELECT state, send_at FROM outbound_submission WHERE month = %(month)s AND message_id = %(id)s"
