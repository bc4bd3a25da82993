"""How much one call may ask for, judged before anything is checked or looked up.

Fragments are weighed once and counted where they are used: a few lines of them can spell millions of fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.extensions import SchemaExtension

from api.graphql.paging import DEFAULT_PAGE, LARGEST_PAGE
from common.errors import InvalidInput

LONGEST_QUERY = 1_000  # words and signs
MOST_ROOTS = 20
MOST_BESIDE = 100  # fields in one pair of braces; to compare each with each is what makes checking dear
MOST_DEEP = 15
MOST_VALUES = 20_000  # about two seconds of work

# What a list without `first` is taken to hold; a guess, but for introspection a good one.
_OTHER_LIST = 10
_OF_SCHEMA = {"types": 40, "fields": 4, "directives": 8}
_OTHER_OF_SCHEMA = 1
# A mail may be a megabyte; all else is a line.
_HEAVY = {("Template", "html"): 1_000, ("Template", "text"): 1_000}


class TooMuch(InvalidInput):
    """A query asks for more than one call may."""

    code = "query_too_large"


class Limits(SchemaExtension):
    """Refuses queries that are too long, too deep, or ask for too many values. For one execution."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = LONGEST_QUERY
        yield

    def on_parse(self) -> Iterator[None]:
        yield
        context = self.execution_context
        if context.graphql_document is not None:
            check_size(context.graphql_document, context.schema._schema, context.variables or {})


def check_size(document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> None:
    """Raises TooMuch."""
    scales = _Scales(document, schema, variables)
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                scales.check(definition)
    except RecursionError:
        raise TooMuch("This query is nested too deeply.") from None


@dataclass(frozen=True, slots=True)
class _Weight:
    values: int = 0
    depth: int = 0
    beside: int = 0

    def __add__(self, other: "_Weight") -> "_Weight":
        return _Weight(self.values + other.values, max(self.depth, other.depth), self.beside + other.beside)


class _Scales:
    def __init__(self, document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> None:
        self._schema, self._variables = schema, variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._weighed: dict[str, _Weight] = {}

    def check(self, operation: OperationDefinitionNode) -> None:
        root = self._schema.query_type if operation.operation == OperationType.QUERY else None
        weight = self._of_set(operation.selection_set, root)
        if weight.depth > MOST_DEEP:
            raise TooMuch(f"This query is {weight.depth} levels deep; {MOST_DEEP} are allowed.")
        if weight.beside > MOST_ROOTS:
            raise TooMuch(f"This query asks for {weight.beside} things at once; {MOST_ROOTS} are allowed.")
        if weight.values > MOST_VALUES:
            raise TooMuch(
                f"This query may ask for {weight.values:,} values; {MOST_VALUES:,} are allowed.",
                hint="Ask for fewer fields, or for smaller pages with `first`.",
            )

    def _of_set(self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None) -> _Weight:
        if selected is None:
            return _Weight()
        weight = reduce(_Weight.__add__, (self._of(one, parent) for one in selected.selections), _Weight())
        if weight.beside > MOST_BESIDE:
            raise TooMuch(f"This query names {weight.beside} fields of one thing; {MOST_BESIDE} are allowed.")
        return weight

    def _of(self, node: Any, parent: GraphQLNamedType | None) -> _Weight:
        if isinstance(node, FieldNode):
            return self._of_field(node, parent)
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        assert isinstance(node, InlineFragmentNode)
        named = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
        return self._of_set(node.selection_set, named)

    def _of_fragment(self, name: str) -> _Weight:
        if name not in self._weighed:
            # Until it is weighed it weighs nothing: one that contains itself is refused when the query is checked.
            self._weighed[name] = _Weight()
            if name in self._fragments:
                fragment = self._fragments[name]
                parent = self._schema.get_type(fragment.type_condition.name.value)
                self._weighed[name] = self._of_set(fragment.selection_set, parent)
        return self._weighed[name]

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> _Weight:
        name = node.name.value
        known = _field(name, parent)
        below = self._of_set(node.selection_set, get_named_type(known.type) if known else None)
        own = _HEAVY.get((parent.name if parent else "", name), 1)
        return _Weight(own + self._rows(node, parent, known) * below.values, below.depth + 1, 1)

    def _rows(self, node: FieldNode, parent: GraphQLNamedType | None, known: GraphQLField | None) -> int:
        name = node.name.value
        if known is not None and "first" in known.args:
            return self._page(node)
        # A connection's edges were counted with the connection.
        if known is None or name == "edges" or not is_list_type(get_nullable_type(known.type)):
            return 1
        if parent is not None and parent.name.startswith("__"):
            return _OF_SCHEMA.get(name, _OTHER_OF_SCHEMA)
        return _OTHER_LIST

    def _page(self, node: FieldNode) -> int:
        asked = next((one.value for one in node.arguments or () if one.name.value == "first"), None)
        if asked is None:
            return DEFAULT_PAGE
        # Other sizes are refused when they are met.
        if isinstance(asked, IntValueNode) and len(asked.value) < 4:
            return max(1, min(int(asked.value), LARGEST_PAGE))
        given = self._variables.get(asked.name.value) if isinstance(asked, VariableNode) else None
        return max(1, min(given, LARGEST_PAGE)) if isinstance(given, int) else LARGEST_PAGE


def _field(name: str, parent: GraphQLNamedType | None) -> GraphQLField | None:
    if name in ("__schema", "__type"):
        return SchemaMetaFieldDef if name == "__schema" else TypeMetaFieldDef
    known: GraphQLField | None = getattr(parent, "fields", {}).get(name)
    return known
