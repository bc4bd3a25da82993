"""Expressions of the template language as Python source, for the tier without Jinja."""

from dataclasses import dataclass

from jinja2 import nodes

from outbound.compiler import language
from outbound.compiler.content import MergeField
from outbound.compiler.filters import FILTERS, TESTS, TEXT_RESULT
from outbound.compiler.pieces import DAY, EMAIL, UNSUBSCRIBE, Names

MOST_BRANCHES = 100


class NotSegments(Exception):
    """The template needs Jinja."""


@dataclass(frozen=True, slots=True)
class Value:
    """The source of an expression; `text` when it gives text or None and nothing else."""

    source: str
    text: bool = False


class Expressions:
    """Turns nodes into source; remembers which of the special names were used."""

    def __init__(self, fields: tuple[MergeField, ...], names: Names) -> None:
        self._names = names
        self._variables = {field.name: Value(f"v{at}", field.kind == "text") for at, field in enumerate(fields)}
        self._variables[language.EMAIL] = Value(EMAIL, text=True)
        self._variables[language.UNSUBSCRIBE_URL] = Value(UNSUBSCRIBE, text=True)
        self._variables[language.MESSAGE_DATE] = Value(DAY)
        self.used: set[str] = set()

    def value(self, node: nodes.Node | None) -> Value:
        """Raises NotSegments for what only Jinja can do."""
        match node:
            case nodes.Name():
                return self._name(node.name)
            case nodes.Const():
                return Value(self._names.of(node.value), text=isinstance(node.value, str) or node.value is None)
            case nodes.Filter():
                return self._filter(node)
            case nodes.And() | nodes.Or():
                return self._either(node)
            case nodes.Not():
                return Value(f"(not {self.value(node.node).source})")
            case nodes.Test():
                return self._test(node)
            case nodes.CondExpr():
                return self._conditional(node)
            case nodes.Getattr():
                return self._call(language.PLAIN_TEXT.getattr, self.value(node.node), self._constant(node.attr))
            case nodes.Getitem() if isinstance(node.arg, nodes.Const):
                return self._call(language.PLAIN_TEXT.getitem, self.value(node.node), self.value(node.arg))
            case nodes.List() | nodes.Tuple():
                return self._list(node)
        raise NotSegments

    def _name(self, name: str) -> Value:
        if name not in self._variables:
            raise NotSegments
        self.used.add(name)
        return self._variables[name]

    def _constant(self, value: object) -> Value:
        return Value(self._names.of(value), text=isinstance(value, str))

    def _call(self, function: object, *arguments: Value, text: bool = False) -> Value:
        sources = ", ".join(argument.source for argument in arguments)
        return Value(f"{self._names.of(function)}({sources})", text)

    def _either(self, node: nodes.And | nodes.Or) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        word = "and" if isinstance(node, nodes.And) else "or"
        return Value(f"({left.source} {word} {right.source})", left.text and right.text)

    def _conditional(self, node: nodes.CondExpr) -> Value:
        first, test = self.value(node.expr1), self.value(node.test)
        other = self.value(node.expr2) if node.expr2 is not None else Value("None", text=True)
        return Value(f"({first.source} if {test.source} else {other.source})", first.text and other.text)

    def _list(self, node: nodes.List | nodes.Tuple) -> Value:
        if all(isinstance(item, nodes.Const) for item in node.items):
            return self._constant(tuple(item.as_const() for item in node.items))
        sources = "".join(f"{self.value(item).source}, " for item in node.items)
        return Value(f"({sources})")

    def _test(self, node: nodes.Test) -> Value:
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise NotSegments
        arguments = [self.value(argument) for argument in node.args]
        return self._call(TESTS[node.name], self.value(node.node), *arguments)

    def _filter(self, node: nodes.Filter) -> Value:
        if node.dyn_args or node.dyn_kwargs or node.name in ("e", "escape", "_each"):
            raise NotSegments
        subject = self.value(node.node)
        arguments = [self.value(argument) for argument in node.args]
        if node.name in ("default", "d") and not node.kwargs and len(arguments) == 1 and subject.text:
            return Value(f"({subject.source} or {arguments[0].source})", arguments[0].text)
        if node.name == "_eq" and subject.text and _is_text(node.args[0]):
            return Value(f"({subject.source} == {arguments[0].source})")
        # The names of keyword arguments were checked against the function's own.
        keywords = [Value(f"{pair.key}={self.value(pair.value).source}") for pair in node.kwargs]
        function = FILTERS.get(node.name) or language.OPERATORS[node.name]
        text = node.name in TEXT_RESULT or node.name == "_concat"
        return self._call(function, subject, *arguments, *keywords, text=text)


def _is_text(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and node.value != ""
