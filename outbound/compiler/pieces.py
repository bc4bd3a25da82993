"""A message as a row of pieces, and the Python function that joins them for one recipient.

The function is generated: its source has nothing in it but names and signs written here. Whatever
comes from a template (texts, names, numbers) is a constant in the function's globals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from outbound.compiler.quoted import TOKEN_MARK

TOKEN = "t"  # local names of the generated function
HEX = "x"
EMAIL = "email"
ADDRESS = "e"
DATE = "date"
UNSUBSCRIBE = "u"
DAY = "d"


@dataclass(frozen=True, slots=True)
class Slot:
    """An expression that gives bytes."""

    source: str


@dataclass(frozen=True, slots=True)
class Fork:
    """The pieces of the first branch whose test holds, else `otherwise`."""

    branches: tuple[tuple[str, tuple["Piece", ...]], ...]
    otherwise: tuple["Piece", ...] = ()


Piece = bytes | Slot | Fork


@dataclass(slots=True)
class Names:
    """Constants of a generated function, each under a name of its own."""

    constants: dict[str, object] = field(default_factory=dict)
    _known: dict[tuple[type, object], str] = field(default_factory=dict)

    def of(self, value: object) -> str:
        kept = isinstance(value, (bytes, str)) or (callable(value) and not isinstance(value, dict))
        if kept and (type(value), value) in self._known:
            return self._known[type(value), value]
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        if kept:
            self._known[type(value), value] = name
        return name


def joined(pieces: Iterable[Piece], names: Names, empty: bytes | str = b"") -> str:
    """The source of one expression for all pieces. With `empty` a text, they are pieces of text."""
    parts = elements(pieces, names, empty)
    if not parts:
        return names.of(empty)
    return parts[0] if len(parts) == 1 else joined_parts(parts, names, empty)


def joined_parts(parts: Sequence[str], names: Names, empty: bytes | str = b"") -> str:
    return f"{names.of(empty.join)}(({', '.join(parts)},))"


def elements(pieces: Iterable[Piece], names: Names, empty: bytes | str = b"") -> list[str]:
    """The sources of the expressions to be joined, texts beside each other in one."""
    sources: list[str] = []
    for piece in merged(pieces):
        if isinstance(piece, bytes):
            for index, text in enumerate(piece.split(TOKEN_MARK)):
                sources += [TOKEN] if index else []
                sources += [names.of(text)] if text else []
        elif isinstance(piece, Slot):
            sources.append(piece.source)
        else:
            sources.append(_forked(piece, names, empty))
    return sources


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and result and isinstance(result[-1], bytes):
            result[-1] += piece
        elif piece != b"":
            result.append(piece)
    return result


def generated(source: str, constants: Mapping[str, object], name: str) -> Callable[..., Any]:
    """The function `name` of a generated source. The constants are its globals, and all it can reach."""
    scope: dict[str, object] = {"__builtins__": {}, **constants}
    # The source is made of the names and signs in this package; no text of a template is in it.
    exec(compile(source, f"<generated {name}>", "exec"), scope)  # noqa: S102
    return cast("Callable[..., Any]", scope[name])


def _forked(fork: Fork, names: Names, empty: bytes | str) -> str:
    source = "".join(f"{joined(pieces, names, empty)} if {test} else " for test, pieces in fork.branches)
    return f"({source}{joined(fork.otherwise, names, empty)})"
