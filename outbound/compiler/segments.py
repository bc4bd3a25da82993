"""The first tier: a template as pieces of finished text with slots between them."""

from collections.abc import Callable, Iterable

from jinja2 import nodes

from outbound.compiler import marks
from outbound.compiler.expressions import MOST_BRANCHES, Expressions, NotSegments, Value
from outbound.compiler.pieces import EMAIL, TOKEN, Fork, Names, Piece, Slot
from outbound.compiler.quoted import HTML_VALUES, TEXT_VALUES, EncodedValues, encode
from outbound.compiler.values import text_of


def body_pieces(tree: nodes.Template, *, html: bool, expressions: Expressions, names: Names) -> list[Piece]:
    """A part of the body, quoted-printable. Raises NotSegments."""
    encoder = _Body(HTML_VALUES if html else TEXT_VALUES, names)
    return _Segments(expressions, encoder.text, encoder.slot, html=html).of(tree.body)


def header_pieces(tree: nodes.Template, *, expressions: Expressions, names: Names) -> list[Piece]:
    """A line of text as pieces that give `str` parts; the slots of a body give bytes. Raises NotSegments."""
    text_name = names.of(text_of)

    def slot(value: Value) -> Slot:
        return Slot(f"({value.source} or {names.of('')})" if value.text else f"{text_name}({value.source})")

    def text(literal: str) -> list[Piece]:
        return [Slot(part) for part in _line_parts(literal, names)]

    return _Segments(expressions, text, slot, html=False).of(tree.body)


class _Body:
    def __init__(self, values: EncodedValues, names: Names) -> None:
        self._values, self._fresh, self._text_of = names.of(values), names.of(values.fresh), names.of(text_of)

    def text(self, text: str) -> list[Piece]:
        return [encode(text)]

    def slot(self, value: Value) -> Slot:
        if value.source == EMAIL:
            return Slot(f"{self._fresh}({EMAIL})")
        return Slot(f"{self._values}[{value.source if value.text else f'{self._text_of}({value.source})'}]")


class _Segments:
    def __init__(
        self,
        expressions: Expressions,
        text: Callable[[str], list[Piece]],
        slot: Callable[[Value], Slot],
        *,
        html: bool,
    ) -> None:
        self._expressions, self._text, self._slot, self._html = expressions, text, slot, html

    def of(self, statements: Iterable[nodes.Node]) -> list[Piece]:
        pieces: list[Piece] = []
        for statement in statements:
            if isinstance(statement, nodes.Output):
                for child in statement.nodes:
                    pieces += self._shown(child)
            elif isinstance(statement, nodes.If):
                pieces.append(self._fork(statement))
            else:
                raise NotSegments
        return pieces

    def _shown(self, node: nodes.Expr) -> list[Piece]:
        if isinstance(node, nodes.TemplateData):
            return self._text(node.data)
        if self._html and isinstance(node, nodes.Filter) and node.name in ("e", "escape"):
            node = node.node or node  # what is shown in HTML is escaped anyhow
        return [self._slot(self._expressions.value(node))]

    def _fork(self, statement: nodes.If) -> Fork:
        if len(statement.elif_) > MOST_BRANCHES:
            raise NotSegments
        branches = [(one.test, one.body) for one in (statement, *statement.elif_)]
        return Fork(
            tuple((self._expressions.value(test).source, tuple(self.of(body))) for test, body in branches),
            tuple(self.of(statement.else_)),
        )


def _line_parts(text: str, names: Names) -> list[str]:
    """Text of a header; the token of an address in it is put in as text."""
    parts = []
    for index, part in enumerate(text.split(marks.TOKEN)):
        parts += [f"{TOKEN}.decode()"] if index else []
        parts += [names.of(part)] if part else []
    return parts
