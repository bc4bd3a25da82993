"""Jinja's syntax tree made ours: operators that know holes, loops on a budget, no calls out of the mail."""

from inspect import signature

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

from outbound.compiler import marks
from outbound.compiler.fields import names_of
from outbound.compiler.filters import FILTERS, TESTS, Filter
from outbound.compiler.language import UNSUBSCRIBE_URL
from outbound.compiler.scan import Scanned
from outbound.compiler.syntax import locate, parse


def tree_of(scanned: Scanned, environment: Environment, unsubscribe: str) -> nodes.Template:
    """The tree that all tiers start from; `unsubscribe` is the address with the token's mark in it.

    Raises TemplateFault.
    """
    tree = parse(scanned, environment)
    try:
        _check_calls(scanned, tree)
        _Operators().visit(tree)
        _Outputs(unsubscribe).visit(tree)
    except RecursionError:
        raise scanned.fault("This part is nested too deeply.", 0) from None
    tree.set_environment(environment)
    return tree


def expression_tree(source: str, environment: Environment) -> nodes.Template:
    """The tree of text with `{{ … }}` that stood in a checked template."""
    tree = environment.parse(source)
    _Operators().visit(tree)
    tree.set_environment(environment)
    return tree


_BINARY: dict[type[nodes.Node], str] = {
    nodes.Add: "_add",
    nodes.Sub: "_sub",
    nodes.Mul: "_mul",
    nodes.Div: "_div",
    nodes.FloorDiv: "_floordiv",
    nodes.Mod: "_mod",
}


class _Operators(NodeTransformer):
    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:
        self.generic_visit(node)
        left, found = node.expr, list[nodes.Expr]()
        for operand in node.ops:
            found.append(_call(left, f"_{operand.op}", [operand.expr], node.lineno))
            left = operand.expr
        whole = found[0]
        for one in found[1:]:
            whole = nodes.And(whole, one, lineno=node.lineno)
        return whole

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        self.generic_visit(node)
        first, *others = node.nodes
        return _call(first, "_concat", others, node.lineno)

    def visit_Neg(self, node: nodes.Neg) -> nodes.Expr:
        self.generic_visit(node)
        return _call(node.node, "_neg", [], node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = _call(node.iter, "_each", [], node.lineno)
        return node

    def generic_visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        super().generic_visit(node, *args, **kwargs)
        name = _BINARY.get(type(node))
        if name is None:
            return node
        assert isinstance(node, nodes.BinExpr)
        return _call(node.left, name, [node.right], node.lineno)


class _Outputs(NodeTransformer):
    """Static text in one piece: the unsubscribe address and constants join the text around them."""

    def __init__(self, unsubscribe: str) -> None:
        self._unsubscribe = unsubscribe

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        merged: list[nodes.Expr] = []
        for child in node.nodes:
            if isinstance(child, nodes.Name) and child.name == UNSUBSCRIBE_URL:
                child = nodes.TemplateData(self._unsubscribe, lineno=child.lineno)
            elif isinstance(child, nodes.Const) and child.value == "{":
                child = nodes.TemplateData("{", lineno=child.lineno)
            before = merged[-1] if merged else None
            if isinstance(child, nodes.TemplateData) and isinstance(before, nodes.TemplateData):
                before.data += child.data
            else:
                merged.append(child)
        node.nodes = merged
        return node


def _call(left: nodes.Node, name: str, right: list[nodes.Expr], line: int) -> nodes.Filter:
    return nodes.Filter(left, name, right, [], None, None, lineno=line)


def _check_calls(scanned: Scanned, tree: nodes.Template) -> None:
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    early = macros.intersection(names_of(tree)) if macros else macros
    for call in tree.find_all(nodes.Call):
        _check_callee(scanned, call.node, macros)
        if isinstance(call.node, nodes.Name) and call.node.name in early:
            raise _fault(scanned, f"{call.node.name}() is used before {{% macro %}} defines it.", call, call.node.name)
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise _fault(scanned, "A loop cannot be recursive.", loop, "recursive")
    for used in tree.find_all(nodes.Filter):
        _check_arguments(scanned, used, FILTERS.get(used.name))
    for asked in tree.find_all(nodes.Test):
        _check_arguments(scanned, asked, TESTS.get(asked.name))


def _check_callee(scanned: Scanned, callee: nodes.Expr, macros: set[str]) -> None:
    if isinstance(callee, nodes.Name) and (callee.name in macros or callee.name in ("range", "namespace", "caller")):
        return
    if isinstance(callee, nodes.Getattr) and isinstance(callee.node, nodes.Name) and callee.node.name == "loop":
        return
    if isinstance(callee, nodes.Getattr):
        filter_name = {"strip": "trim", "format": "number"}.get(callee.attr, callee.attr)
        instead = f" Use a filter: … | {filter_name}." if filter_name in FILTERS else ""
        raise _fault(
            scanned, f"Nothing can be called on a value, as in .{callee.attr}().{instead}", callee, callee.attr
        )
    name = callee.name if isinstance(callee, nodes.Name) else ""
    raise _fault(scanned, f"There is no function {name}().", callee, name)


def _check_arguments(scanned: Scanned, node: nodes.Filter | nodes.Test, function: Filter | None) -> None:
    if function is None:
        return
    try:
        if node.dyn_args or node.dyn_kwargs:
            raise TypeError
        signature(function).bind(None, *node.args, **{str(pair.key): pair.value for pair in node.kwargs})
    except TypeError:
        raise _fault(scanned, f"“{node.name}” does not take these arguments.", node, node.name) from None


def _fault(scanned: Scanned, message: str, node: nodes.Node, needle: str) -> Exception:
    tag = locate(scanned, node.lineno, needle)
    if tag is None:
        return scanned.fault(message, 0)
    at = scanned.source.index(needle, tag.start, tag.end) if needle else tag.start
    return scanned.fault(message, at, tag.end)


def unsubscribe_mark(base: str) -> str:
    """The unsubscribe address, with the mark that every tier replaces by the recipient's token."""
    return f"{base}/u/{marks.TOKEN}"
