"""A tree whose words are known to exist, and what it says in SQL: the truth, which the facets must agree with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from psycopg import sql

from contacts.targeting.audience import AttributeIs, Condition, Parameters
from contacts.targeting.conditions import in_language, met


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Resolved", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Resolved", ...]


@dataclass(frozen=True, slots=True)
class NotOf:
    part: "Resolved"


@dataclass(frozen=True, slots=True)
class HasTag:
    tag_id: int


@dataclass(frozen=True, slots=True)
class Meets:
    """A condition on an attribute, in its positive form."""

    condition: AttributeIs


@dataclass(frozen=True, slots=True)
class InLanguage:
    """The language and its regions."""

    language: str


@dataclass(frozen=True, slots=True)
class HasStatus:
    status: str


@dataclass(frozen=True, slots=True)
class OfContact:
    """A condition that no facet knows of; it may be NULL."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class DidSo:
    """`contacts` selects the ids (one column, `id`, maybe repeated) of those who did. Others of them may be told by `blocks`,
    which selects a `block` of 2,048 ids and its `bits` (as of facets), each block once."""

    contacts: Condition
    blocks: Condition | None = None


ResolvedLeaf = HasTag | Meets | InLanguage | HasStatus | OfContact | DidSo
Resolved = AllOf | AnyOf | NotOf | ResolvedLeaf
# One array and back again: the planner takes it for few, so it always hashes them; and coalesce keeps it from making a join
# of it. Where it guesses that they are many, it would go through all of them for each contact.
_AMONG = "coalesce(c.id IN (SELECT unnest((SELECT array_agg(d.id) FROM ({}) d))), false)"
_UNPACKED = """{} UNION ALL SELECT (b.block::bigint << 11) + p FROM ({}) b CROSS JOIN generate_series(0, 2047) p
WHERE get_bit(b.bits, p) = 1"""
# Other words for who did something, where it was looked up before.
Deeds = Mapping[DidSo, sql.Composable]


def condition_of(tree: Resolved) -> Condition:
    """The tree as one condition on `contacts_contact c`."""
    return partial(_condition, tree)


def truth(node: Resolved, parameters: Parameters, deeds: Deeds) -> sql.Composable:
    """The condition on `contacts_contact c`. NULL stands for false, also below NOT."""
    match node:
        case AllOf(parts):
            return _joined(" AND ", parts, parameters, deeds) if parts else sql.SQL("true")
        case AnyOf(parts):
            return _joined(" OR ", parts, parameters, deeds)
        case NotOf(part):
            return sql.SQL("(NOT coalesce({}, false))").format(truth(part, parameters, deeds))
        case _:
            return sql.SQL("({})").format(_fact(node, parameters, deeds))


def leaves_of(node: Resolved) -> list[ResolvedLeaf]:
    """All of them, each once."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            return list(dict.fromkeys(leaf for part in parts for leaf in leaves_of(part)))
        case NotOf(part):
            return leaves_of(part)
        case _:
            return [node]


def _condition(tree: Resolved, parameters: Parameters) -> sql.Composable:
    return truth(tree, parameters, {})


def _joined(word: str, parts: tuple[Resolved, ...], parameters: Parameters, deeds: Deeds) -> sql.Composed:
    joint = sql.SQL(" AND ") if word == " AND " else sql.SQL(" OR ")
    return sql.SQL("({})").format(joint.join(truth(part, parameters, deeds) for part in parts))


def _fact(leaf: ResolvedLeaf, parameters: Parameters, deeds: Deeds) -> sql.Composable:
    match leaf:
        case HasTag(tag_id):
            return sql.SQL("c.tags @> ARRAY[{}]::int[]").format(parameters.add(tag_id))
        case Meets(condition):
            return met(condition, parameters)
        case InLanguage(language):
            return in_language(language, parameters)
        case HasStatus(status):
            return sql.SQL("c.status = {}").format(parameters.add(status))
        case OfContact(condition):
            return condition(parameters)
        case DidSo():
            return deeds.get(leaf) or sql.SQL(_AMONG).format(_ids(leaf, parameters))


def _ids(leaf: DidSo, parameters: Parameters) -> sql.Composed:
    if leaf.blocks is None:
        return sql.SQL("{}").format(leaf.contacts(parameters))
    return sql.SQL(_UNPACKED).format(leaf.contacts(parameters), leaf.blocks(parameters))
