"""The SQL of an import's batch. Tables are found by the search path: the tenant's, or the statement fails.

Contacts that exist are locked in the order of their ids before anything is written, as every statement of the
platform that locks several contacts does; so none of them ever wait for each other in turn.
"""

from psycopg import sql

from contacts.importing.statuses import GRAVITY, UNCONFIRMED

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_stage (
    line bigint, email text, email_key text, needs_smtputf8 boolean, first_name text, last_name text,
    language text, timezone text, country text, status text, consent_at text, consent_ip text,
    attributes jsonb, tags integer[]
)"""
EMPTY_STAGE = "TRUNCATE import_stage"
# A batch is small beside the table: its rows are looked up by index.
PLANNING = "SET LOCAL random_page_cost = 1.1; SET LOCAL jit = off"
# For batches that write down how far they got: after a crash of the server some of the last are missing as a whole, and
# are written again. The commit that ends the import waits for the disk, and with it for all before it.
UNAWAITED = "SET LOCAL synchronous_commit = off"
ONE_BATCH_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('contacts import ' || current_schema(), 0))"

_TEXTS = ("first_name", "last_name", "language", "timezone", "country")
_MERGED = (*_TEXTS, "status", "tags", "attributes", "consent_at", "consent_ip")
_LADDER = sorted(GRAVITY, key=GRAVITY.__getitem__)


def _composed(text: str) -> sql.Composed:
    def listed(pattern: str, names: tuple[str, ...]) -> sql.Composed:
        return sql.SQL(", ").join(sql.SQL(pattern).format(sql.Identifier(name)) for name in names)

    ladder = sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(map(sql.Literal, _LADDER)))
    mailable = sql.Literal(GRAVITY[UNCONFIRMED] + 1)  # the places on the ladder that forbid nothing
    return sql.SQL(text).format(
        given_rows=sql.SQL(_GIVEN_ROWS).format(ladder=ladder, mailable=mailable),
        held_rows=sql.SQL(_HELD_ROWS),
        reason=sql.SQL(_REASON),
        ladder=ladder,
        mailable=mailable,
        texts=listed("{}", _TEXTS),
        staged_texts=listed("s.{}", _TEXTS),
        given_texts=sql.SQL(", ").join(sql.SQL(_GIVEN).format(name=sql.Identifier(name)) for name in _TEXTS),
        set_merged=sql.SQL(", ").join(sql.SQL("{0} = m.{0}").format(sql.Identifier(name)) for name in _MERGED),
        present=listed("k.{}", _MERGED),
        merged=listed("m.{}", _MERGED),
    )


# Looking up comes first, locking second, in the order of ids; OFFSET 0 keeps the planner from changing that.
_GIVEN_ROWS = """
given AS MATERIALIZED (
    SELECT s.*, k.id AS contact_id, (
        SELECT max(array_position({ladder}, CASE x.reason WHEN 'hard_bounce' THEN 'bounced'
            WHEN 'complaint' THEN 'complained' WHEN 'manual' THEN 'suppressed' ELSE x.reason END))
        FROM contacts_suppression x WHERE x.email_key = s.email_key
    ) AS listed, (
        CASE WHEN array_position({ladder}, s.status) > {mailable} THEN array_position({ladder}, s.status) END
    ) AS forbidden
    FROM import_stage s
    LEFT JOIN LATERAL (SELECT k.id FROM contacts_contact k WHERE k.email_key = s.email_key OFFSET 0) k ON true
)"""
_HELD_ROWS = """
(SELECT * FROM given WHERE contact_id IS NOT NULL ORDER BY contact_id OFFSET 0) s
CROSS JOIN LATERAL (SELECT k.* FROM contacts_contact k WHERE k.id = s.contact_id FOR NO KEY UPDATE) h"""
_GIVEN = "CASE WHEN %(overwrite)s AND s.{name} <> '' THEN s.{name} ELSE h.{name} END AS {name}"
_REASON = (
    "CASE s.status WHEN 'unsubscribed' THEN 'unsubscribed' WHEN 'bounced' THEN 'hard_bounce'"
    " WHEN 'complained' THEN 'complaint' ELSE 'manual' END"
)

# `listed` is what the suppression list says about an address, `forbidden` what the file says, both as places on
# the ladder of statuses. What forbids mail is never taken back by a file, and always taken over from it.
_MERGE_ROWS = """
WITH {given_rows}, merged AS MATERIALIZED (
    SELECT h.id, {given_texts},
        CASE WHEN %(overwrite)s AND h.status = 'unconfirmed' AND s.status = 'active' AND s.listed IS NULL
            THEN 'active'
            ELSE ({ladder})[greatest(array_position({ladder}, h.status::text), s.listed, s.forbidden)]
        END AS status,
        CASE WHEN s.tags <@ h.tags THEN h.tags
            ELSE ARRAY(SELECT DISTINCT t FROM unnest(h.tags || s.tags) AS t ORDER BY t)
        END AS tags,
        CASE WHEN %(overwrite)s THEN h.attributes || s.attributes ELSE h.attributes END AS attributes,
        CASE WHEN %(overwrite)s THEN coalesce(h.consent_at, nullif(s.consent_at, '')::timestamptz)
            ELSE h.consent_at END AS consent_at,
        CASE WHEN %(overwrite)s THEN coalesce(h.consent_ip, nullif(s.consent_ip, '')::inet)
            ELSE h.consent_ip END AS consent_ip
    FROM {held_rows}
), updated AS (
    UPDATE contacts_contact k SET {set_merged}, updated_at = now()
    FROM merged m WHERE k.id = m.id AND ({present}) IS DISTINCT FROM ({merged})
    RETURNING k.id
), created AS (
    INSERT INTO contacts_contact (email, email_key, needs_smtputf8, {texts}, status, tags, attributes,
        source_id, consent_at, consent_ip, consent_note, created_at, updated_at)
    SELECT s.email, s.email_key, s.needs_smtputf8, {staged_texts},
        ({ladder})[greatest(s.listed, array_position({ladder}, coalesce(nullif(s.status, ''), 'active')))],
        s.tags, s.attributes, %(source)s::bigint, nullif(s.consent_at, '')::timestamptz,
        nullif(s.consent_ip, '')::inet, '', now(), now()
    FROM given s WHERE s.contact_id IS NULL
    ORDER BY s.email_key ON CONFLICT (email_key) DO NOTHING RETURNING id, email_key, status
)
"""
_HOW_MANY = """
SELECT (SELECT count(*) FROM created), (SELECT count(*) FROM updated),
    (SELECT count(*) FROM created WHERE array_position({ladder}, status::text) > {mailable})
    + (SELECT count(*) FROM merged WHERE array_position({ladder}, status::text) > {mailable}),
    (SELECT count(*) FROM given) - (SELECT count(*) FROM merged) - (SELECT count(*) FROM created)
"""
_WHICH = """
SELECT g.line, coalesce(m.id, c.id),
    CASE WHEN c.id IS NOT NULL THEN 'created' WHEN u.id IS NOT NULL THEN 'updated' ELSE 'unchanged' END
FROM given g LEFT JOIN merged m ON m.id = g.contact_id LEFT JOIN updated u ON u.id = g.contact_id
LEFT JOIN created c ON c.email_key = g.email_key
"""
# One row comes back: created, updated, contacts that must not be mailed, and staged addresses that another
# transaction made in the meantime: run it again for those.
MERGE = _composed(_MERGE_ROWS + _HOW_MANY)
# The same with a row for each staged one: its line, the contact's id, and what became of it. Without an id it was
# made by another transaction in the meantime: run it again.
MERGE_AND_TELL = _composed(_MERGE_ROWS + _WHICH)

# What the file says against mailing outlives the contact; it is written after the contacts are locked.
NOTE_FORBIDDEN = _composed("""
INSERT INTO contacts_suppression (email, email_key, reason, note, origin, created_at)
SELECT s.email, s.email_key, {reason}, '', %(origin)s, now() FROM import_stage s
WHERE array_position({ladder}, s.status) > {mailable}
ORDER BY s.email_key ON CONFLICT (email_key, reason) DO NOTHING
""")

# One row comes back: addresses new on the suppression list.
SUPPRESS = _composed("""
WITH {given_rows}, strengthened AS MATERIALIZED (
    SELECT h.id, ({ladder})[greatest(array_position({ladder}, h.status::text),
        coalesce(s.forbidden, array_position({ladder}, 'suppressed')))] AS status
    FROM {held_rows}
), listed AS (
    INSERT INTO contacts_suppression (email, email_key, reason, note, origin, created_at)
    SELECT s.email, s.email_key, {reason}, '', %(origin)s, now() FROM given s
    ORDER BY s.email_key ON CONFLICT (email_key, reason) DO NOTHING RETURNING 1
), moved AS (
    UPDATE contacts_contact k SET updated_at = now(), status = m.status
    FROM strengthened m WHERE k.id = m.id AND k.status <> m.status RETURNING 1
)
SELECT count(*) FROM listed
""")
