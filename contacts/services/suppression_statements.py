"""The SQL of suppression. No Django here: the engine and the tracking doors run it on connections of their own."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from psycopg import sql


class Cursor(Protocol):
    """What is used of a cursor: psycopg's own and Django's both have it."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchone(self) -> Any: ...


def suppress_contacts(cursor: Cursor, *, schema: str, contact_ids: Iterable[int], reason: str, origin: str) -> int:
    """Put contacts of the tenant `schema` on its suppression list and move their status, in one statement.

    `reason` is one of contacts.models.SuppressionReason. Returns how many addresses are new on the list;
    ids of contacts that do not exist any more are passed over.
    """
    pairs = [(contact_id, reason) for contact_id in contact_ids]
    cursor.execute(by_contact(schema), contact_parameters(pairs, origin=origin))
    return int(cursor.fetchone()[0])


def contact_parameters(pairs: Sequence[tuple[int, str]], *, origin: str, note: str = "") -> dict[str, Any]:
    """Parameters of `by_contact`: contact ids, each with its reason."""
    return {
        "ids": [contact_id for contact_id, _ in pairs],
        "reasons": [reason for _, reason in pairs],
        "origin": origin,
        "note": note,
    }


@lru_cache(maxsize=256)
def by_contact(schema: str) -> sql.Composed:
    """One row comes back: addresses new on the list, contacts whose status moved."""
    return _composed(_GIVEN_CONTACTS + _SUPPRESS, schema)


@lru_cache(maxsize=256)
def by_address(schema: str) -> sql.Composed:
    """The same for addresses, whether a contact has them or not; parameters: emails, keys, reason, origin, note."""
    return _composed(_GIVEN_ADDRESSES + _SUPPRESS, schema)


@lru_cache(maxsize=256)
def lift(schema: str) -> sql.Composed:
    """Takes reasons off the list; parameters: keys, ids, reasons. One row comes back: entries removed, contacts moved."""
    return _composed(_LIFT, schema)


def _composed(text: str, schema: str) -> sql.Composed:
    return sql.SQL(text).format(
        contact=sql.Identifier(schema, "contacts_contact"),
        suppression=sql.Identifier(schema, "contacts_suppression"),
        ladder=sql.SQL(_LADDER),
    )


# The status a reason leads to, and how strong it is: a status never gives way to a weaker one.
_LADDER = (
    "(VALUES ('unsubscribed', 'unsubscribed', 1), ('manual', 'suppressed', 2),"
    " ('hard_bounce', 'bounced', 3), ('complaint', 'complained', 4))"
)

# Contacts are locked in the order of their ids, so that two of these statements never wait for each other in turn.
_GIVEN_CONTACTS = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS g(id, reason)
), held AS MATERIALIZED (
    SELECT k.id, k.email, k.email_key FROM {contact} k WHERE k.id IN (SELECT id FROM given) ORDER BY k.id FOR NO KEY UPDATE
), entry AS (
    SELECT DISTINCT h.id, h.email, h.email_key, g.reason FROM held h JOIN given g ON g.id = h.id
)"""

_GIVEN_ADDRESSES = """
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (email_key) * FROM unnest(%(emails)s::text[], %(keys)s::text[]) AS g(email, email_key) ORDER BY email_key
), held AS MATERIALIZED (
    SELECT k.id, k.email_key FROM {contact} k WHERE k.email_key IN (SELECT email_key FROM given) ORDER BY k.id FOR NO KEY UPDATE
), entry AS (
    SELECT h.id, g.email, g.email_key, %(reason)s::text AS reason FROM given g LEFT JOIN held h ON h.email_key = g.email_key
)"""

# The list's rows go in sorted, after every contact is locked.
_SUPPRESS = """
, listed AS (
    INSERT INTO {suppression} (email, email_key, reason, note, origin, created_at)
    SELECT email, email_key, reason, %(note)s, %(origin)s, now() FROM entry ORDER BY email_key, reason
    ON CONFLICT (email_key, reason) DO NOTHING RETURNING 1
), strongest AS (
    SELECT DISTINCT ON (e.id) e.id, l.status, l.strength FROM entry e JOIN {ladder} AS l(reason, status, strength) ON l.reason = e.reason
    WHERE e.id IS NOT NULL ORDER BY e.id, l.strength DESC
), moved AS (
    UPDATE {contact} k SET status = s.status, updated_at = now() FROM strongest s
    WHERE k.id = s.id AND s.strength > coalesce(
        (SELECT l.strength FROM {ladder} AS l(reason, status, strength) WHERE l.status = k.status), 0)
    RETURNING 1
)
SELECT (SELECT count(*) FROM listed), (SELECT count(*) FROM moved)
"""

# What is left on the list decides the status; a contact that was never on it keeps its own.
_LIFT = """
WITH held AS MATERIALIZED (
    SELECT k.id, k.email_key FROM {contact} k WHERE k.email_key = ANY(%(keys)s::text[]) OR k.id = ANY(%(ids)s::bigint[])
    ORDER BY k.id FOR NO KEY UPDATE
), meant AS MATERIALIZED (
    SELECT unnest(%(keys)s::text[]) AS email_key UNION SELECT email_key FROM held
), removed AS (
    DELETE FROM {suppression} s WHERE s.email_key IN (SELECT email_key FROM meant) AND s.reason = ANY(%(reasons)s::text[])
    RETURNING 1
), moved AS (
    UPDATE {contact} k SET updated_at = now(), status = coalesce((
        SELECT l.status FROM {suppression} s JOIN {ladder} AS l(reason, status, strength) ON l.reason = s.reason
        WHERE s.email_key = k.email_key AND s.reason <> ALL(%(reasons)s::text[]) ORDER BY l.strength DESC LIMIT 1), 'active')
    FROM held h WHERE k.id = h.id
      AND k.status IN (SELECT l.status FROM {ladder} AS l(reason, status, strength) WHERE l.reason = ANY(%(reasons)s::text[]))
    RETURNING 1
)
SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM moved)
"""
