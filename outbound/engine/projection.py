"""The SQL that fetches exactly what a compiled message needs of each contact of a chunk."""

from collections.abc import Sequence

from psycopg import sql

from outbound.compiler import MergeField

# What stands in a column of its own; everything else is looked up in the contact's attributes.
_COLUMNS = frozenset({"email", "first_name", "last_name", "language", "timezone", "country"})

# The leading columns of every fetched row.
INDEX, FOUND, STATUS, SUPPRESSED, EMAIL = range(5)
FIXED = 5


def rows_query(schema: str, fields: Sequence[MergeField], *, marketing: bool) -> sql.Composed:
    """Parameters: contact ids, indexes (from 0), both in order. Rows: the fixed columns, then the fields in their order.

    Status and suppression are read here, seconds before the mail leaves. Transactional mail is stopped only by a
    dead address or a complaint.
    """
    reasons = sql.SQL("") if marketing else sql.SQL("AND s.reason IN ('hard_bounce', 'complaint')")
    return sql.SQL(
        "SELECT u.i, k.id IS NOT NULL, k.status,"
        " EXISTS (SELECT 1 FROM {suppression} s WHERE s.email_key = k.email_key {reasons}), k.email{fields}"
        " FROM unnest(%b::bigint[], %b::int[]) AS u(id, i) LEFT JOIN {contact} k ON k.id = u.id"
    ).format(
        suppression=sql.Identifier(schema, "contacts_suppression"),
        contact=sql.Identifier(schema, "contacts_contact"),
        reasons=reasons,
        fields=sql.SQL("").join(sql.SQL(", ") + _field(field) for field in fields),
    )


def _field(field: MergeField) -> sql.Composable:
    if field.name in _COLUMNS:
        return sql.SQL("k.") + sql.Identifier(field.name)
    operator = sql.SQL("->>") if field.kind == "text" else sql.SQL("->")
    return sql.SQL("k.attributes ") + operator + sql.SQL(" ") + sql.Literal(field.name)
