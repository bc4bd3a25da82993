"""Facets: for each block of 2,048 contact ids and each thing worth asking for, one bit a contact.

Facets are named `*` everybody, `m` may be mailed, `s:<status>`, `l:<language>`, `t:<tag id>`,
`a:<key>` one row for each value of an attribute, and `k:<key>`: in this block the attribute has facets.
Contacts and blocks in contacts_stale are counted from the contacts themselves, in the same statement and
snapshot, so a count is exact at any time.
"""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from contacts.targeting.conditions import Parameters, holds, is_negative, where
from contacts.targeting.resolving import COLUMNS, Resolved

# OFFSET 0 keeps the planner from looking for the conditions elsewhere than among these contacts.
_STALE = """
noted AS MATERIALIZED (
    SELECT block, id FROM contacts_stale WHERE email_key IS NULL
    UNION SELECT (c.id >> 11)::int, c.id FROM contacts_stale n JOIN contacts_contact c ON c.email_key = n.email_key
    WHERE n.email_key IS NOT NULL
), stale AS MATERIALIZED (
    SELECT block FROM noted WHERE id IS NULL
), changed AS MATERIALIZED (
    SELECT block, bit_or(set_bit(0::bit(2048), (id & 2047)::int, 1)) AS bits FROM noted WHERE id IS NOT NULL GROUP BY block
)"""
_WHOLE_BLOCK = """
    SELECT * FROM contacts_contact k
    WHERE k.id >= w.block::bigint << 11 AND k.id < (w.block::bigint + 1) << 11 OFFSET 0
"""
_ONE_CONTACT = "SELECT * FROM contacts_contact k WHERE k.id = w.id OFFSET 0"

_BLOCKS = """
WITH {stale}{bits}, known AS MATERIALIZED (
    SELECT m.block, m.bits & ~coalesce(changed.bits, 0::bit(2048)){mask} AS mask, {complete} AS complete
    FROM contacts_facet m LEFT JOIN changed USING (block){joins}
    WHERE m.facet = 'm' AND m.block NOT IN (SELECT block FROM stale)
), slow AS MATERIALIZED (
    SELECT block FROM stale UNION ALL SELECT block FROM known WHERE NOT complete
), looked AS (
    SELECT c.language FROM slow w CROSS JOIN LATERAL ({whole_block}) c WHERE {truth}
    UNION ALL
    SELECT c.language FROM noted w CROSS JOIN LATERAL ({one_contact}) c
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM slow) AND {truth}
)"""

_COUNT = """
SELECT (SELECT coalesce(sum(bit_count(mask)), 0) FROM known WHERE complete) + (SELECT count(*) FROM looked)
"""

_BY_LANGUAGE = """
SELECT language, sum(n) FROM (
    SELECT substr(f.facet, 3) AS language, sum(bit_count(known.mask & f.bits)) AS n
    FROM known JOIN contacts_facet f ON f.block = known.block AND f.facet >= 'l:' AND f.facet < 'l;'
    WHERE complete GROUP BY 1
    UNION ALL SELECT lower(language), count(*) FROM looked GROUP BY 1
) u GROUP BY 1 HAVING sum(n) > 0
"""

_BY_FACET = """
WITH {stale}
SELECT word, sum(n) FROM (
    SELECT substr(facet, 3) AS word, sum(bit_count(f.bits & ~coalesce(changed.bits, 0::bit(2048)))) AS n
    FROM contacts_facet f LEFT JOIN changed USING (block)
    WHERE facet >= {first} AND facet < {last} AND block NOT IN (SELECT block FROM stale) GROUP BY 1
    UNION ALL
    SELECT {word}::text, count(*) FROM stale w CROSS JOIN LATERAL ({whole_block}) c {unnested} GROUP BY 1
    UNION ALL
    SELECT {word}::text, count(*) FROM noted w CROSS JOIN LATERAL ({one_contact}) c {unnested}
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM stale) GROUP BY 1
) u GROUP BY 1 HAVING sum(n) > 0
"""


def count_query(audience: Resolved, parameters: Parameters) -> sql.Composed:
    """One row: how many."""
    return _blocks(audience, parameters) + sql.SQL(_COUNT)


def language_query(audience: Resolved, parameters: Parameters) -> sql.Composed:
    """Rows of language (lower case, may be empty) and how many."""
    return _blocks(audience, parameters) + sql.SQL(_BY_LANGUAGE)


def kind_query(kind: str) -> sql.Composed:
    """Rows of word and number of contacts, whether they may be mailed or not; `kind` is tag, status or language."""
    letter, word, unnested = {
        "tag": ("t", "t", "CROSS JOIN unnest(c.tags) t"),
        "status": ("s", "c.status", ""),
        "language": ("l", "lower(c.language)", ""),
    }[kind]
    return sql.SQL(_BY_FACET).format(
        stale=sql.SQL(_STALE),
        whole_block=sql.SQL(_WHOLE_BLOCK),
        one_contact=sql.SQL(_ONE_CONTACT),
        first=sql.Literal(f"{letter}:"),
        last=sql.Literal(f"{letter};"),
        word=sql.SQL(word),
        unnested=sql.SQL(unnested),
    )


def keys_asked(audience: Resolved) -> list[str]:
    """The attributes it has conditions on."""
    return sorted({condition.key for condition in audience.attributes} - COLUMNS)


def _blocks(audience: Resolved, parameters: Parameters) -> sql.Composed:
    conditions = _conditions(audience, parameters)
    markers = [_named([f"k:{key}"], parameters) for key in keys_asked(audience)]
    names = [sql.Identifier(f"c{number}") for number in range(len(conditions) + len(markers))]
    signs = [sign for sign, _ in conditions]
    wanted = [*(condition for _, condition in conditions), *markers]
    return sql.SQL(_BLOCKS).format(
        stale=sql.SQL(_STALE),
        whole_block=sql.SQL(_WHOLE_BLOCK),
        one_contact=sql.SQL(_ONE_CONTACT),
        bits=_each(_BITS, name=names, wanted=wanted),
        joins=_each(" LEFT JOIN {name} USING (block)", name=names),
        mask=_each(" & {sign}coalesce({name}.bits, 0::bit(2048))", sign=signs, name=names[: len(signs)]),
        complete=sql.SQL("true") + _each(" AND {name}.bits IS NOT NULL", name=names[len(signs) :]),
        truth=where(audience, parameters),
    )


_BITS = """, {name} AS MATERIALIZED (
    SELECT block, bit_or(bits) AS bits FROM contacts_facet WHERE {wanted} GROUP BY block
)"""


def _conditions(audience: Resolved, parameters: Parameters) -> list[tuple[sql.SQL, sql.Composed]]:
    """What a contact's bit must be in, or ("~") must not: a condition on the rows of contacts_facet each."""
    found = [(_IN, _named([f"t:{tag}"], parameters)) for tag in audience.tags_all]
    if audience.tags_any:
        found.append((_IN, _named([f"t:{tag}" for tag in audience.tags_any], parameters)))
    if audience.exclude_tags:
        found.append((_NOT_IN, _named([f"t:{tag}" for tag in audience.exclude_tags], parameters)))
    if audience.language:
        found.append((_IN, _in_language(audience.language, parameters)))
    for condition in audience.attributes:
        held = holds(condition, sql.SQL("value"), parameters)
        valued = sql.SQL("facet = {} AND {}").format(parameters.add(f"a:{condition.key}"), held)
        found.append((_NOT_IN if is_negative(condition) else _IN, valued))
    return found


_IN, _NOT_IN = sql.SQL(""), sql.SQL("~")


def _named(facets: list[str], parameters: Parameters) -> sql.Composed:
    return sql.SQL("facet = ANY({})").format(parameters.add(facets))


def _in_language(language: str, parameters: Parameters) -> sql.Composed:
    # "." follows "-" in ASCII: the range is all that starts with `l:fr-`.
    return sql.SQL("(facet = {} OR facet >= {} AND facet < {})").format(
        parameters.add(f"l:{language}"), parameters.add(f"l:{language}-"), parameters.add(f"l:{language}.")
    )


def _each(text: LiteralString, **columns: Sequence[sql.Composable]) -> sql.Composed:
    """The text once for each row of the columns."""
    rows = zip(*columns.values(), strict=True)
    return sql.Composed([sql.SQL(text).format(**dict(zip(columns, row, strict=True))) for row in rows])
