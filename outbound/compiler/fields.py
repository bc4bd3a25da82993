"""Which values of a recipient the templates need, and as what."""

from collections.abc import Iterable, Sequence

from jinja2 import meta, nodes

from outbound.compiler.content import MergeField
from outbound.compiler.filters import TEXT_INPUT
from outbound.compiler.language import SPECIAL_NAMES

# Columns of a contact: always text, whatever is done with them.
COLUMNS = frozenset({"first_name", "last_name", "language", "timezone", "country"})


def fields_of(trees: Sequence[nodes.Template]) -> tuple[MergeField, ...]:
    """The fields of all parts, in the order in which they are first read."""
    as_data: set[str] = set()
    names: dict[str, None] = {}
    for tree in trees:
        names.update(dict.fromkeys(names_of(tree)))
        _Uses(as_data).statements(tree.body)
    wanted = [name for name in names if name not in SPECIAL_NAMES]
    return tuple(MergeField(name, "json" if name in as_data and name not in COLUMNS else "text") for name in wanted)


def names_of(tree: nodes.Template) -> list[str]:
    """Names that come from outside the template, in order of appearance."""
    outside = meta.find_undeclared_variables(tree)
    return [name for name in dict.fromkeys(name.name for name in tree.find_all(nodes.Name)) if name in outside]


def local_names(tree: nodes.Template) -> set[str]:
    """Names that the template gives itself: by loops, assignments and macros."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    return names | {"loop"} | {macro.name for macro in tree.find_all(nodes.Macro)}


class _Uses:
    """Finds the names whose value matters as more than text."""

    def __init__(self, as_data: set[str]) -> None:
        self._as_data = as_data

    def statements(self, statements: Iterable[nodes.Node]) -> None:
        for statement in statements:
            for child in statement.iter_child_nodes():
                if not isinstance(child, nodes.Expr):
                    self.statements([child])
                elif isinstance(statement, nodes.Output):
                    self._as_text(child)
                else:
                    self._data(child)

    def _as_text(self, node: nodes.Node) -> None:
        """An expression of which only the text is shown."""
        if isinstance(node, nodes.Name):
            return
        if isinstance(node, nodes.CondExpr):
            self._data(node.test)
            self._as_text(node.expr1)
            if node.expr2 is not None:
                self._as_text(node.expr2)
        elif isinstance(node, nodes.Filter) and node.node is not None and node.name in (*TEXT_INPUT, "_concat"):
            self._as_text(node.node)
            arguments = [*node.args, *(pair.value for pair in node.kwargs)]
            for argument in arguments:
                self._as_text(argument)
        else:
            self._data(node)

    def _data(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Name):
            self._as_data.add(node.name)
        elif not _compares_text(node):
            for child in node.iter_child_nodes():
                self._data(child)


def _compares_text(node: nodes.Node) -> bool:
    """Is it a name beside text constants, or asked whether it is there?"""
    if isinstance(node, nodes.Test):
        return node.name in ("defined", "undefined", "none") and isinstance(node.node, nodes.Name)
    if not isinstance(node, nodes.Filter) or not node.args:
        return False
    left, right = node.node, node.args[0]
    if node.name in ("_eq", "_ne"):
        return _name_and_text(left, right) or _name_and_text(right, left)
    if node.name in ("_in", "_notin") and isinstance(right, (nodes.List, nodes.Tuple)):
        return isinstance(left, nodes.Name) and all(_is_text(item) for item in right.items)
    return False


def _name_and_text(one: nodes.Expr | None, other: nodes.Expr | None) -> bool:
    return isinstance(one, nodes.Name) and _is_text(other)


def _is_text(node: nodes.Expr | None) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)
