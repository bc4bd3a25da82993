"""The SQL of a run's batches. Tables are found by the search path: the tenant's, or the statement fails."""

# {which}: a round's choice of contacts, each by an index in the order of ids.
NEXT = """
SELECT id, email, email_key FROM contacts_contact
WHERE id > %(position)s AND id <= %(last)s{which} ORDER BY id LIMIT %(most)s
"""
PENDING = " AND validation_state = 'pending'"
UNANSWERED = " AND validation_state = 'pending' AND validation_reason = 'unanswered'"
NAMED = " AND id = ANY(%(ids)s::bigint[])"

# One row comes back for each state and reason. Contacts are locked in the order of their ids, as by every statement of
# the platform that locks several; one whose address changed since it was read is left to be checked anew. What was
# known of an address is not known any more when the DNS gives no answer.
RECORD = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(keys)s::text[], %(states)s::text[], %(reasons)s::text[])
        AS g (id, email_key, state, reason) ORDER BY id
), held AS MATERIALIZED (
    SELECT g.id, g.state, g.reason FROM given g CROSS JOIN LATERAL (
        SELECT 1 FROM contacts_contact k WHERE k.id = g.id AND k.email_key = g.email_key FOR NO KEY UPDATE) k
), recorded AS (
    UPDATE contacts_contact c SET validation_state = h.state, validation_reason = h.reason,
        validated_at = CASE WHEN h.state <> 'pending' THEN now() ELSE c.validated_at END{tags}
    FROM held h WHERE c.id = h.id RETURNING c.validation_state, c.validation_reason
)
SELECT validation_state, count(*) FROM recorded GROUP BY validation_state
"""
# The tag follows the verdict; where there is none, it stays as it is.
TAGS = """,
        tags = CASE
            WHEN h.state = 'invalid' AND NOT c.tags @> ARRAY[%(tag)s]::int[]
                THEN (SELECT array_agg(t ORDER BY t) FROM unnest(c.tags || %(tag)s::int) AS t)
            WHEN h.state IN ('valid', 'risky') AND c.tags @> ARRAY[%(tag)s]::int[] THEN array_remove(c.tags, %(tag)s::int)
            ELSE c.tags END"""

# The run's row is its fence: whoever lost the run to another worker changes nothing.
ADVANCE = """
UPDATE contacts_validationrun SET position = %(to)s, checked = checked + %(checked)s, valid = valid + %(valid)s,
    risky = risky + %(risky)s, invalid = invalid + %(invalid)s, error = '',
    state = CASE WHEN state = 'waiting' THEN 'running' ELSE state END,
    unanswered = CASE WHEN position = 0 THEN 0 ELSE unanswered END + %(pending)s
WHERE id = %(run)s AND position = %(from)s AND round = %(round)s
"""
