"""Counting a tree from facets (contacts.targeting.facets): for each block of contacts two bit strings.

`sure` has those for whom the tree holds, `possible` those for whom it may: "and" and "or" are those of bits, "not" swaps the
two. Whoever is possible and not sure stands in a bucket of values that a comparison cuts through, and is looked at, as
are all contacts that changed since the facets were built.
"""

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from contacts.segments.conditions import (
    AllOf,
    AnyOf,
    DidSo,
    HasStatus,
    HasTag,
    InLanguage,
    Meets,
    NotOf,
    OfContact,
    Resolved,
    ResolvedLeaf,
    leaves_of,
    truth,
)
from contacts.targeting.audience import Parameters
from contacts.targeting.conditions import MAILABLE
from contacts.targeting.facets import (
    NOBODY,
    NONE,
    ONE_CONTACT,
    STALE,
    UNSURE,
    WHOLE_BLOCK,
    Wanted,
    attribute_facets,
    keys_asked,
    language_facets,
    named_facets,
    together,
)

_COUNT = """
WITH {stale}{bits}, known AS MATERIALIZED (
    SELECT a.block, m.bits AS mailable, a.bits & ~coalesce(changed.bits, {none}) & {sure} AS mask,
        a.bits & ~coalesce(changed.bits, {none}) & {possible} AS possible, {complete} AS complete
    FROM contacts_facet a LEFT JOIN changed USING (block){joins}
    LEFT JOIN contacts_facet m ON m.facet = 'm' AND m.block = a.block
    WHERE a.facet = '*' AND a.block NOT IN (SELECT block FROM stale)
), slow AS MATERIALIZED (
    SELECT block FROM stale UNION ALL SELECT block FROM known WHERE NOT complete
), unsure AS MATERIALIZED (
    SELECT DISTINCT f.block, (f.block::bigint << 11) + p AS id FROM ({unsure}) f CROSS JOIN unnest(f.positions) p
    JOIN known USING (block) WHERE complete AND get_bit(possible & ~mask, p) = 1
), looked AS MATERIALIZED (
    SELECT {may} AS mailable FROM slow w{deeds} CROSS JOIN LATERAL ({whole_block}) c WHERE {truth}
    UNION ALL
    SELECT {may} FROM noted w{deeds} CROSS JOIN LATERAL ({one_contact}) c
    WHERE w.id IS NOT NULL AND w.block NOT IN (SELECT block FROM slow) AND {truth}
    UNION ALL
    SELECT {may} FROM unsure w{deeds} CROSS JOIN LATERAL ({one_contact}) c WHERE {truth}
)
SELECT (SELECT coalesce(sum(bit_count(mask)), 0) FROM known WHERE complete) + (SELECT count(*) FROM looked),
    (SELECT coalesce(sum(bit_count(mask & mailable)), 0) FROM known WHERE complete)
        + (SELECT count(*) FROM looked WHERE mailable)
"""
# Words of 64 bits first: to set one bit of 2,048 for each contact would copy all of them each time.
_WHO_DID = """, {name} AS MATERIALIZED (
    SELECT (word >> 5)::int AS block, NULL::bit(2048) AS maybe,
        bit_or(overlay({none} PLACING bits::bit(64) FROM ((word & 31) * 64 + 1)::int)) AS bits
    FROM (
        SELECT d.id >> 6 AS word, bit_or(1::bigint << (63 - (d.id & 63))::int) AS bits FROM ({contacts}) d GROUP BY 1
    ) words GROUP BY 1
)"""
# What was looked up for the bits need not be looked up again for those who are looked at.
_DID = "coalesce(get_bit({}.bits, (c.id & 2047)::int), 0) = 1"
_Names = Mapping[ResolvedLeaf, sql.Identifier]


def count_query(tree: Resolved, parameters: Parameters) -> sql.Composed:
    """One row: how many contacts, and how many of them may be mailed. For trees without OfContact."""
    leaves = leaves_of(tree)
    names = {leaf: sql.Identifier(f"c{number}") for number, leaf in enumerate(leaves)}
    rows = {leaf: sql.Identifier(f"r{number}") for number, leaf in enumerate(leaves)}
    keys = keys_asked(leaf.condition for leaf in leaves if isinstance(leaf, Meets))
    markers = [sql.Identifier(f"k{number}") for number in range(len(keys))]
    unsure = [sql.SQL(UNSURE).format(rows[leaf]) for leaf in leaves if isinstance(leaf, Meets)]
    did = {leaf: names[leaf] for leaf in leaves if isinstance(leaf, DidSo)}
    return sql.SQL(_COUNT).format(
        stale=sql.SQL(STALE),
        bits=together(_bits(leaf, names[leaf], rows[leaf], parameters) for leaf in leaves)
        + together(_marked(key, name, parameters) for key, name in zip(keys, markers, strict=True)),
        none=sql.SQL(NONE),
        sure=_sure(tree, names),
        possible=_possible(tree, names),
        complete=sql.SQL("true") + together(sql.SQL(" AND {}.bits IS NOT NULL").format(name) for name in markers),
        joins=together(sql.SQL(" LEFT JOIN {} USING (block)").format(name) for name in [*names.values(), *markers]),
        unsure=sql.SQL(" UNION ALL ").join(unsure) if unsure else sql.SQL(NOBODY),
        may=MAILABLE,
        deeds=together(sql.SQL(" LEFT JOIN {0} ON {0}.block = w.block").format(name) for name in did.values()),
        whole_block=sql.SQL(WHOLE_BLOCK),
        one_contact=sql.SQL(ONE_CONTACT),
        truth=truth(tree, parameters, {leaf: sql.SQL(_DID).format(name) for leaf, name in did.items()}),
    )


def _marked(key: str, name: sql.Identifier, parameters: Parameters) -> sql.Composed:
    """The blocks in which the attribute has facets."""
    return Wanted(named_facets([f"k:{key}"], parameters)).bits(name, name)


def _bits(leaf: ResolvedLeaf, name: sql.Identifier, rows: sql.Identifier, parameters: Parameters) -> sql.Composed:
    if isinstance(leaf, DidSo):
        return sql.SQL(_WHO_DID).format(name=name, none=sql.SQL(NONE), contacts=leaf.contacts(parameters))
    return _facets(leaf, parameters).bits(name, rows)


def _facets(leaf: ResolvedLeaf, parameters: Parameters) -> Wanted:
    match leaf:
        case HasTag(tag_id):
            return Wanted(named_facets([f"t:{tag_id}"], parameters))
        case HasStatus(status):
            return Wanted(named_facets([f"s:{status}"], parameters))
        case InLanguage(language):
            return Wanted(language_facets(language, parameters))
        case Meets(condition):
            return attribute_facets(condition, parameters)
        case DidSo() | OfContact():
            raise TypeError(f"There are no facets of {leaf}.")


def _sure(node: Resolved, names: _Names) -> sql.Composable:
    match node:
        case AllOf(parts):
            return _joined(" & ", [_sure(part, names) for part in parts])
        case AnyOf(parts):
            return _joined(" | ", [_sure(part, names) for part in parts])
        case NotOf(part):
            return sql.SQL("(~{})").format(_possible(part, names))
        case _:
            return sql.SQL("coalesce({}.bits, {})").format(names[node], sql.SQL(NONE))


def _possible(node: Resolved, names: _Names) -> sql.Composable:
    match node:
        case AllOf(parts):
            return _joined(" & ", [_possible(part, names) for part in parts])
        case AnyOf(parts):
            return _joined(" | ", [_possible(part, names) for part in parts])
        case NotOf(part):
            return sql.SQL("(~{})").format(_sure(part, names))
        case _:
            return sql.SQL("(coalesce({0}.bits, {1}) | coalesce({0}.maybe, {1}))").format(names[node], sql.SQL(NONE))


def _joined(word: LiteralString, parts: list[sql.Composable]) -> sql.Composable:
    """Of no parts: everybody, as "all of nothing" holds for all."""
    return sql.SQL("({})").format(sql.SQL(word).join(parts)) if parts else sql.SQL("(~" + NONE + ")")
