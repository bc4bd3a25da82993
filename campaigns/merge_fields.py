"""Which merge fields of a template leave a gap when a contact has no value."""

from collections.abc import Iterable

from jinja2 import nodes

from outbound.compiler.language import PLAIN_TEXT
from outbound.compiler.scan import scan

_GIVES_A_DEFAULT = ("default", "d")


def fields_without_default(sources: Iterable[str]) -> set[str]:
    """Names that are shown somewhere with neither a default nor a condition around them.

    `{{ company | default("you") }}`, `{{ company or "you" }}` and what stands inside `{% if company %}` leave no gap.
    The sources are templates that the compiler has taken.
    """
    found: set[str] = set()
    for source in sources:
        _visit(PLAIN_TEXT.parse(scan("html", source).source), frozenset(), found)
    return found


def _visit(node: nodes.Node, asked: frozenset[str], found: set[str]) -> None:
    if isinstance(node, nodes.If | nodes.CondExpr):
        inside = asked | _names(node.test)
        for child in node.iter_child_nodes(exclude=("test",)):
            _visit(child, inside, found)
    elif isinstance(node, nodes.For):
        for child in node.iter_child_nodes(exclude=("iter", "test")):
            _visit(child, asked | _names(node.target), found)
    elif isinstance(node, nodes.Filter) and node.name in _GIVES_A_DEFAULT:
        for argument in node.args:
            _visit(argument, asked, found)
    elif isinstance(node, nodes.Or):
        _visit(node.right, asked, found)
    elif isinstance(node, nodes.Assign | nodes.Test | nodes.Compare):
        return
    elif isinstance(node, nodes.Name):
        if node.name not in asked:
            found.add(node.name)
    else:
        for child in node.iter_child_nodes():
            _visit(child, asked, found)


def _names(node: nodes.Node) -> frozenset[str]:
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return frozenset(own | {name.name for name in node.find_all(nodes.Name)})
