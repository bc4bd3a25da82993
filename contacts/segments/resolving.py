"""From the words of a tree to what the tenant has. A word nobody knows is refused, never taken for "no such contacts"."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from common.errors import InvalidInput
from contacts.models import ContactAttribute, DataSource, Tag
from contacts.segments.attributes import attribute_condition
from contacts.segments.conditions import AllOf, AnyOf, DidSo, HasTag, NotOf, Resolved
from contacts.segments.contact_fields import field_condition
from contacts.segments.tree import All, Any, Attribute, Did, Field, FieldName, Node, Not, Tagged, leaves_of
from contacts.targeting.resolving import did_you_mean

# Whoever keeps the books of mail: for each of these, SQL that selects the contacts who did it, as of a moment. Raises
# InvalidInput for what it does not know.
Behaviour = Callable[[Iterable[Did], datetime], Mapping[Did, DidSo]]


@dataclass(frozen=True, slots=True)
class _Known:
    tags: Mapping[str, int]
    types: Mapping[str, str]
    sources: Mapping[str, int]
    deeds: Mapping[Did, DidSo]
    now: datetime


def resolve_tree(tree: Node, *, behaviour: Behaviour, now: datetime) -> Resolved:
    """The tree as of `now`. Raises InvalidInput at the place of an unknown word or a value that cannot be compared."""
    leaves = leaves_of(tree)
    slugs = {leaf.slug for leaf in leaves if isinstance(leaf, Tagged)}
    keys = {leaf.key for leaf in leaves if isinstance(leaf, Attribute)}
    sources = any(isinstance(leaf, Field) and leaf.name is FieldName.SOURCE for leaf in leaves)
    did = list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Did)))
    known = _Known(
        tags=dict(Tag.objects.filter(slug__in=slugs).values_list("slug", "id")) if slugs else {},
        types=dict(ContactAttribute.objects.filter(key__in=keys).values_list("key", "type")) if keys else {},
        sources=dict(DataSource.objects.values_list("name", "id")) if sources else {},
        deeds=behaviour(did, now) if did else {},
        now=now,
    )
    return _resolved(tree, known)


def _resolved(node: Node, known: _Known) -> Resolved:
    match node:
        case All(parts):
            return AllOf(tuple(_resolved(part, known) for part in parts))
        case Any(parts):
            return AnyOf(tuple(_resolved(part, known) for part in parts))
        case Not(part):
            return NotOf(_resolved(part, known))
        case Tagged():
            return _tag(node, known)
        case Attribute():
            return attribute_condition(node, _type_of(node, known), known.now)
        case Field():
            return field_condition(node, known.sources, known.now)
        case Did():
            return known.deeds[node]


def _tag(leaf: Tagged, known: _Known) -> HasTag:
    if leaf.slug not in known.tags:
        hint = did_you_mean(leaf.slug, Tag.objects.values_list("slug", flat=True))
        raise InvalidInput(f"There is no tag {leaf.slug!r}.", field=_at(leaf, "tag"), hint=hint)
    return HasTag(known.tags[leaf.slug])


def _type_of(leaf: Attribute, known: _Known) -> str:
    if leaf.key not in known.types:
        hint = did_you_mean(leaf.key, ContactAttribute.objects.values_list("key", flat=True))
        if leaf.key in tuple(FieldName):
            hint = f'Every contact has that: write {{"field": "{leaf.key}"}}.'
        raise InvalidInput(f"Contacts have no attribute {leaf.key!r}.", field=_at(leaf, "attribute"), hint=hint)
    return known.types[leaf.key]


def _at(leaf: Tagged | Attribute, word: str) -> str:
    return f"{leaf.place}.{word}" if leaf.place else word
