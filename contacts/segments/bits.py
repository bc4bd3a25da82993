"""Counting a tree from facets (contacts.targeting.facets): for each block of contacts two bit strings.

`sure` has those for whom the tree holds, `possible` those for whom it may: "and" and "or" are those of bits, "not" swaps the
two. Whoever is possible and not sure stands in a bucket of values that a comparison cuts through, and is looked at, as
are all contacts that changed since the facets were built.
"""

from collections.abc import Iterable, Mapping
from typing import LiteralString, TypeVar

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
from contacts.targeting.resolving import COLUMNS

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
_AND_BLOCKS = """, {name} AS MATERIALIZED (
    SELECT block, NULL::bit(2048) AS maybe, bit_or(bits) AS bits
    FROM (SELECT block, bits FROM {rest} UNION ALL SELECT block, bits FROM ({blocks}) b) u GROUP BY 1
)"""
# What was looked up for the bits need not be looked up again for those who are looked at.
_DID = "coalesce(get_bit({}.bits, (c.id & 2047)::int), 0) = 1"
_Names = Mapping[ResolvedLeaf, sql.Identifier]
_Thing = TypeVar("_Thing")

# Block by block from the newest on, so that a page of a large segment looks at few of them.
_FIND = """
WITH {stale}{bits}, candidate AS MATERIALIZED (
    SELECT block, bit_or(bits) AS bits FROM (
        SELECT a.block, CASE WHEN {complete} THEN a.bits & {possible} ELSE ~{none} END AS bits
        FROM contacts_facet a{joins} WHERE a.facet = '*'
        UNION ALL SELECT block, ~{none} FROM stale
        UNION ALL SELECT block, bits FROM changed
    ) u GROUP BY 1
)
SELECT c.id FROM (
    SELECT w.block, w.bits{deeds} FROM candidate w{deed_joins} WHERE bit_count(w.bits) > 0 AND {newest} ORDER BY w.block DESC OFFSET 0
) b CROSS JOIN LATERAL (
    SELECT (b.block::bigint << 11) + p AS id FROM generate_series(2047, 0, -1) p WHERE get_bit(b.bits, p) = 1 OFFSET 0
) w CROSS JOIN LATERAL ({one_contact}) c
WHERE {truth} AND {below} ORDER BY b.block DESC, c.id DESC LIMIT {limit}
"""
_DID_SO = "coalesce(get_bit(b.{}, (c.id & 2047)::int), 0) = 1"

_LOOK = """
WITH {bits}
SELECT count(*), count(*) FILTER (WHERE {may}) FROM contacts_contact c{deed_joins} WHERE {truth}
"""


def count_query(tree: Resolved, parameters: Parameters) -> sql.Composed:
    """One row: how many contacts, and how many of them may be mailed. For trees whose facets answer."""
    leaves = leaves_of(tree)
    terms, names = _terms(tree, parameters)
    rows = _numbered("r", leaves)
    unsure = [sql.SQL(UNSURE).format(rows[leaf]) for leaf in leaves if isinstance(leaf, Meets)]
    did = {leaf: names[leaf] for leaf in leaves if isinstance(leaf, DidSo)}
    return sql.SQL(_COUNT).format(
        sure=_sure(tree, names),
        unsure=sql.SQL(" UNION ALL ").join(unsure) if unsure else sql.SQL(NOBODY),
        may=MAILABLE,
        deeds=together(sql.SQL(" LEFT JOIN {0} ON {0}.block = w.block").format(name) for name in did.values()),
        whole_block=sql.SQL(WHOLE_BLOCK),
        truth=truth(tree, parameters, {leaf: sql.SQL(_DID).format(name) for leaf, name in did.items()}),
        **terms,
    )


def look_query(tree: Resolved, parameters: Parameters) -> sql.Composed:
    """The same for all trees: looks at each contact."""
    did = _numbered("c", [leaf for leaf in leaves_of(tree) if isinstance(leaf, DidSo)])
    if not did:
        bare = "SELECT count(*), count(*) FILTER (WHERE {}) FROM contacts_contact c WHERE {}"
        return sql.SQL(bare).format(MAILABLE, truth(tree, parameters, {}))
    rows = _numbered("r", did)
    looked_up = together(_who_did(leaf, name, rows[leaf], parameters) for leaf, name in did.items())
    return sql.SQL(_LOOK).format(
        bits=sql.SQL("nobody AS (" + NOBODY + ")") + looked_up,
        may=MAILABLE,
        deed_joins=together(
            sql.SQL(" LEFT JOIN {0} ON {0}.block = (c.id >> 11)::int").format(name) for name in did.values()
        ),
        truth=truth(tree, parameters, {leaf: sql.SQL(_DID).format(name) for leaf, name in did.items()}),
    )


def find_query(tree: Resolved, parameters: Parameters, *, limit: int, before: int | None) -> sql.Composed:
    """Up to `limit` rows of `id`, in descending order, only below `before` where it is given. For all trees."""
    terms, names = _terms(tree, parameters)
    did = {leaf: name for leaf, name in names.items() if isinstance(leaf, DidSo)}
    below, newest = sql.SQL("true").format(), sql.SQL("true").format()
    if before is not None:
        below = sql.SQL("c.id < {}").format(parameters.add(before))
        newest = sql.SQL("w.block <= {}").format(parameters.add(before >> 11))
    return sql.SQL(_FIND).format(
        deeds=together(sql.SQL(", {0}.bits AS {0}").format(name) for name in did.values()),
        deed_joins=together(sql.SQL(" LEFT JOIN {0} ON {0}.block = w.block").format(name) for name in did.values()),
        newest=newest,
        truth=truth(tree, parameters, {leaf: sql.SQL(_DID_SO).format(name) for leaf, name in did.items()}),
        below=below,
        limit=parameters.add(limit),
        **terms,
    )


def _terms(tree: Resolved, parameters: Parameters) -> tuple[dict[str, sql.Composable], _Names]:
    """What all queries of facets share, and what those call the bits of each leaf."""
    leaves = [leaf for leaf in leaves_of(tree) if not _is_unknown(leaf)]
    names, rows = _numbered("c", leaves), _numbered("r", leaves_of(tree))
    markers = _numbered("k", keys_asked(leaf.condition for leaf in leaves if isinstance(leaf, Meets)))
    bits = [_bits(leaf, names[leaf], rows[leaf], parameters) for leaf in leaves]
    bits += [_marked(key, name, parameters) for key, name in markers.items()]
    terms: dict[str, sql.Composable] = {
        "stale": sql.SQL(STALE),
        "bits": together(bits),
        "none": sql.SQL(NONE),
        "possible": _possible(tree, names),
        "complete": sql.SQL("true")
        + together(sql.SQL(" AND {}.bits IS NOT NULL").format(name) for name in markers.values()),
        "joins": together(
            sql.SQL(" LEFT JOIN {} USING (block)").format(name) for name in [*names.values(), *markers.values()]
        ),
        "one_contact": sql.SQL(ONE_CONTACT),
    }
    return terms, names


def _numbered(letter: str, things: Iterable[_Thing]) -> dict[_Thing, sql.Identifier]:
    return {thing: sql.Identifier(f"{letter}{number}") for number, thing in enumerate(things)}


def _is_unknown(leaf: ResolvedLeaf) -> bool:
    """Whether no facet tells of it: it may hold for everybody."""
    return isinstance(leaf, OfContact) or (isinstance(leaf, Meets) and leaf.condition.key in COLUMNS)


def _marked(key: str, name: sql.Identifier, parameters: Parameters) -> sql.Composed:
    """The blocks in which the attribute has facets."""
    return Wanted(named_facets([f"k:{key}"], parameters)).bits(name, name)


def _bits(leaf: ResolvedLeaf, name: sql.Identifier, rows: sql.Identifier, parameters: Parameters) -> sql.Composed:
    if isinstance(leaf, DidSo):
        return _who_did(leaf, name, rows, parameters)
    return _facets(leaf, parameters).bits(name, rows)


def _who_did(leaf: DidSo, name: sql.Identifier, rest: sql.Identifier, parameters: Parameters) -> sql.Composed:
    found = rest if leaf.blocks else name
    query = sql.SQL(_WHO_DID).format(name=found, none=sql.SQL(NONE), contacts=leaf.contacts(parameters))
    if leaf.blocks is None:
        return query
    return query + sql.SQL(_AND_BLOCKS).format(name=name, rest=rest, blocks=leaf.blocks(parameters))


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
        case _ if node not in names:
            return sql.SQL(NONE)
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
        case _ if node not in names:
            return sql.SQL("(~" + NONE + ")")
        case _:
            return sql.SQL("(coalesce({0}.bits, {1}) | coalesce({0}.maybe, {1}))").format(names[node], sql.SQL(NONE))


def _joined(word: LiteralString, parts: list[sql.Composable]) -> sql.Composable:
    """Of no parts: everybody, as "all of nothing" holds for all."""
    return sql.SQL("({})").format(sql.SQL(word).join(parts)) if parts else sql.SQL("(~" + NONE + ")")
