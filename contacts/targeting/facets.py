"""Facets: for each block of 2,048 contact ids and each thing worth asking for, one bit a contact.

Facets are named `*` everybody, `m` may be mailed, `s:<status>`, `l:<language>`, `t:<tag id>`,
`a:<key>` one row for each value of an attribute, `b:<key>` one for each bucket of values where they are
many, and `k:<key>`: in this block the attribute has facets.
Contacts and blocks in contacts_stale are counted from the contacts themselves, in the same statement and
snapshot, so a count is exact at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from contacts.targeting.audience import AttributeIs, Parameters
from contacts.targeting.buckets import holds_for_all, holds_for_some
from contacts.targeting.conditions import MAILABLE, holds, is_negative, where
from contacts.targeting.resolving import COLUMNS, Resolved

# OFFSET 0 keeps the planner from looking for the conditions elsewhere than among these contacts.
STALE = """
noted AS MATERIALIZED (
    SELECT block, id FROM contacts_stale WHERE email_key IS NULL
    UNION SELECT (c.id >> 11)::int, c.id FROM contacts_stale n JOIN contacts_contact c ON c.email_key = n.email_key
    WHERE n.email_key IS NOT NULL
), stale AS MATERIALIZED (
    SELECT block FROM noted WHERE id IS NULL
), changed AS MATERIALIZED (
    SELECT block, bit_or(set_bit(0::bit(2048), (id & 2047)::int, 1)) AS bits FROM noted WHERE id IS NOT NULL GROUP BY block
)"""
WHOLE_BLOCK = """
    SELECT * FROM contacts_contact k
    WHERE k.id >= w.block::bigint << 11 AND k.id < (w.block::bigint + 1) << 11 OFFSET 0
"""
ONE_CONTACT = "SELECT * FROM contacts_contact k WHERE k.id = w.id OFFSET 0"

_BLOCKS = """
WITH {stale}{bits}, known AS MATERIALIZED (
    SELECT m.block, m.bits & ~coalesce(changed.bits, {none}){mask} AS mask,
        m.bits & ~coalesce(changed.bits, {none}){possible} AS possible, {complete} AS complete
    FROM contacts_facet m LEFT JOIN changed USING (block){joins}
    WHERE m.facet = 'm' AND m.block NOT IN (SELECT block FROM stale)
), slow AS MATERIALIZED (
    SELECT block FROM stale UNION ALL SELECT block FROM known WHERE NOT complete
), unsure AS MATERIALIZED (
    SELECT DISTINCT (f.block::bigint << 11) + p AS id FROM ({unsure}) f CROSS JOIN unnest(f.positions) p
    JOIN known USING (block) WHERE complete AND get_bit(possible & ~mask, p) = 1
), looked AS (
    SELECT c.language FROM slow w CROSS JOIN LATERAL ({whole_block}) c WHERE {truth}
    UNION ALL
    SELECT c.language FROM noted w CROSS JOIN LATERAL ({one_contact}) c
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM slow) AND {truth}
    UNION ALL
    SELECT c.language FROM unsure w CROSS JOIN LATERAL ({one_contact}) c WHERE {truth}
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

# Most blocks have no changed contact: their bits are counted where they lie, which is half the time of counting a copy.
_COUNTED = "CASE WHEN changed.bits IS NULL THEN bit_count(f.bits) ELSE bit_count(f.bits & ~changed.bits) END"
_BY_FACET = """
WITH {stale}
SELECT word, sum(n) FROM (
    SELECT substr(facet, 3) AS word, sum({counted}) AS n
    FROM contacts_facet f LEFT JOIN changed USING (block)
    WHERE facet >= {first} AND facet < {last} AND block NOT IN (SELECT block FROM stale) GROUP BY 1
    UNION ALL
    SELECT {word}::text, count(*) FROM stale w CROSS JOIN LATERAL ({whole_block}) c {unnested} GROUP BY 1
    UNION ALL
    SELECT {word}::text, count(*) FROM noted w CROSS JOIN LATERAL ({one_contact}) c {unnested}
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM stale) GROUP BY 1
) u GROUP BY 1 HAVING sum(n) > 0
"""

_EVERY_KIND = """
WITH {stale}
SELECT facet, sum(n) FROM (
    SELECT facet, sum({counted}) AS n
    FROM contacts_facet f LEFT JOIN changed USING (block)
    WHERE (facet = 'm' OR facet >= 's:' AND facet < 's;' OR facet >= 'l:' AND facet < 'l;' OR facet >= 't:' AND facet < 't;')
        AND block NOT IN (SELECT block FROM stale) GROUP BY 1
    UNION ALL
    SELECT facet, count(*) FROM stale w CROSS JOIN LATERAL ({whole_block}) c {facets} GROUP BY 1
    UNION ALL
    SELECT facet, count(*) FROM noted w CROSS JOIN LATERAL ({one_contact}) c {facets}
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM stale) GROUP BY 1
) u GROUP BY 1 HAVING sum(n) > 0
"""
_FACETS_OF = """CROSS JOIN LATERAL (
    SELECT 's:' || c.status UNION ALL SELECT 'l:' || lower(c.language) UNION ALL SELECT 't:' || t FROM unnest(c.tags) t
    UNION ALL SELECT 'm' WHERE {mailable}
) AS named(facet)"""


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
        stale=sql.SQL(STALE),
        whole_block=sql.SQL(WHOLE_BLOCK),
        one_contact=sql.SQL(ONE_CONTACT),
        first=sql.Literal(f"{letter}:"),
        last=sql.Literal(f"{letter};"),
        word=sql.SQL(word),
        unnested=sql.SQL(unnested),
        counted=sql.SQL(_COUNTED),
    )


def every_kind_query() -> sql.Composed:
    """Rows of facet (`m`, `s:<status>`, `l:<language>`, `t:<tag id>`) and number of contacts: all of them in one statement."""
    return sql.SQL(_EVERY_KIND).format(
        stale=sql.SQL(STALE),
        whole_block=sql.SQL(WHOLE_BLOCK),
        one_contact=sql.SQL(ONE_CONTACT),
        facets=sql.SQL(_FACETS_OF).format(mailable=MAILABLE),
        counted=sql.SQL(_COUNTED),
    )


def keys_asked(conditions: Iterable[AttributeIs]) -> list[str]:
    """The attributes that the conditions are about."""
    return sorted({condition.key for condition in conditions} - COLUMNS)


def _blocks(audience: Resolved, parameters: Parameters) -> sql.Composed:
    wanted = [*_words(audience, parameters), *(attribute_facets(each, parameters) for each in audience.attributes)]
    markers = [Wanted(named_facets([f"k:{key}"], parameters)) for key in keys_asked(audience.attributes)]
    names = [sql.Identifier(f"c{number}") for number in range(len(wanted) + len(markers))]
    rows = [sql.Identifier(f"r{number}") for number in range(len(names))]
    held = list(zip(names, wanted, strict=False))
    unsure = [sql.SQL(UNSURE).format(row) for row, one in zip(rows, wanted, strict=False) if one.some]
    return sql.SQL(_BLOCKS).format(
        stale=sql.SQL(STALE),
        whole_block=sql.SQL(WHOLE_BLOCK),
        one_contact=sql.SQL(ONE_CONTACT),
        none=sql.SQL(NONE),
        bits=together(one.bits(*given) for one, *given in zip([*wanted, *markers], names, rows, strict=True)),
        joins=together(sql.SQL(" LEFT JOIN {} USING (block)").format(name) for name in names),
        mask=together(one.mask(name) for name, one in held),
        possible=together(one.possible(name) for name, one in held),
        complete=sql.SQL("true")
        + together(sql.SQL(" AND {}.bits IS NOT NULL").format(name) for name in names[len(wanted) :]),
        unsure=sql.SQL(" UNION ALL ").join(unsure) if unsure else sql.SQL(NOBODY),
        truth=where(audience, parameters),
    )


NONE = "0::bit(2048)"
_BITS = """, {name} AS MATERIALIZED (
    SELECT block, bit_or(bits) AS bits, NULL::bit(2048) AS maybe FROM contacts_facet WHERE {all} GROUP BY block
)"""
_BITS_AND_MAYBE = """, {rows} AS MATERIALIZED (
    SELECT block, bits, positions, {all} AS sure FROM contacts_facet WHERE {all} OR {some}
), {name} AS MATERIALIZED (
    SELECT block, bit_or(bits) FILTER (WHERE sure) AS bits, bit_or(bits) FILTER (WHERE NOT sure) AS maybe
    FROM {rows} GROUP BY block
)"""
UNSURE = "SELECT block, positions FROM {} WHERE NOT sure"
NOBODY = "SELECT NULL::int AS block, NULL::smallint[] AS positions WHERE false"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Facets that a contact must be in, or must not (`negative`): `all` selects those where everybody in it meets the
    condition, `some` those where somebody may."""

    all: sql.Composed
    negative: bool = False
    some: sql.Composed | None = None

    def bits(self, name: sql.Identifier, rows: sql.Identifier) -> sql.Composed:
        """The facets as one bit string a block: of everybody who meets the condition, and of those who may."""
        if self.some is None:
            return sql.SQL(_BITS).format(name=name, all=self.all)
        return sql.SQL(_BITS_AND_MAYBE).format(name=name, rows=rows, all=self.all, some=self.some)

    def mask(self, name: sql.Identifier) -> sql.Composed:
        """Of those who certainly meet the condition, or certainly do not meet its opposite."""
        return self._and(" & ~({bits} | {maybe})" if self.negative else " & {bits}", name)

    def possible(self, name: sql.Identifier) -> sql.Composed:
        return self._and(" & ~{bits}" if self.negative else " & ({bits} | {maybe})", name)

    def _and(self, text: LiteralString, name: sql.Identifier) -> sql.Composed:
        column = "coalesce({}.{}, " + NONE + ")"
        both = {each: sql.SQL(column).format(name, sql.Identifier(each)) for each in ("bits", "maybe")}
        return sql.SQL(text).format(**both)


def _words(audience: Resolved, parameters: Parameters) -> list[Wanted]:
    wanted = [Wanted(named_facets([f"t:{tag}"], parameters)) for tag in audience.tags_all]
    if audience.tags_any:
        wanted.append(Wanted(named_facets([f"t:{tag}" for tag in audience.tags_any], parameters)))
    if audience.exclude_tags:
        wanted.append(Wanted(named_facets([f"t:{tag}" for tag in audience.exclude_tags], parameters), negative=True))
    if audience.language:
        wanted.append(Wanted(language_facets(audience.language, parameters)))
    return wanted


def attribute_facets(condition: AttributeIs, parameters: Parameters) -> Wanted:
    values, buckets = parameters.add(f"a:{condition.key}"), parameters.add(f"b:{condition.key}")
    every = sql.SQL("(facet = {} AND {} OR facet = {} AND {})").format(
        values, holds(condition, sql.SQL("value"), parameters), buckets, holds_for_all(condition, parameters)
    )
    some = sql.SQL("(facet = {} AND {} AND NOT {})").format(
        buckets, holds_for_some(condition, parameters), holds_for_all(condition, parameters)
    )
    return Wanted(every, negative=is_negative(condition), some=some)


def named_facets(facets: list[str], parameters: Parameters) -> sql.Composed:
    return sql.SQL("facet = ANY({})").format(parameters.add(facets))


def language_facets(language: str, parameters: Parameters) -> sql.Composed:
    # "." follows "-" in ASCII: the range is all that starts with `l:fr-`.
    return sql.SQL("(facet = {} OR facet >= {} AND facet < {})").format(
        parameters.add(f"l:{language}"), parameters.add(f"l:{language}-"), parameters.add(f"l:{language}.")
    )


def together(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.Composed(list(parts))
