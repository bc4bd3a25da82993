"""HTML as a row of tokens with their places, so that an attribute can be exchanged and nothing else moves.

Follows the HTML standard's tokenizer as far as mail needs it, forgives what browsers forgive, and takes
linear time whatever it is given. (A parser of the standard library would do for well-formed pages; on hostile
ones it takes quadratic time, and it does not tell where an attribute's value stands.)
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from typing import NamedTuple

SPACE = " \t\n\f\r"


class Attribute(NamedTuple):
    """`value` is as written, between `start` and `end` without the quotes; `quote` is one, or empty.

    A named tuple, like the tokens: a page has thousands, and a frozen dataclass costs four times as much.
    """

    name: str
    value: str
    start: int
    end: int
    quote: str

    @property
    def text(self) -> str:
        """The value with its character references replaced."""
        return _REFERENCE.sub(_referenced, self.value)


class StartTag(NamedTuple):
    name: str
    start: int
    end: int
    attributes: tuple[Attribute, ...]

    def get(self, name: str) -> str | None:
        return next((attribute.text for attribute in self.attributes if attribute.name == name), None)


class EndTag(NamedTuple):
    name: str
    start: int
    end: int


class Text(NamedTuple):
    """`raw` text stands in a script, a style or a title: no markup is seen in it."""

    start: int
    end: int
    raw: bool = False


class Other(NamedTuple):
    """A comment (conditional ones are comments), a declaration, an instruction."""

    start: int
    end: int


Markup = StartTag | EndTag | Text | Other

VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)


def tokens(html: str) -> Iterator[Markup]:
    """All of `html`, in order and without gaps, but for a tag at its end that is not closed."""
    at, size = 0, len(html)
    while at < size:
        bracket = html.find("<", at)
        if bracket != at:
            yield Text(at, size if bracket < 0 else bracket)
            if bracket < 0:
                return
        token = _token(html, bracket)
        yield token
        at = token.end
        if isinstance(token, StartTag) and token.name in _RAW:
            closing = _RAW[token.name].search(html, at)
            end = closing.start() if closing else size
            if end > at:
                yield Text(at, end, raw=True)
            at = end


_SPACES = re.compile(r"[ \t\n\f\r]*")
_NAME = re.compile(r"[A-Za-z][^ \t\n\f\r/>]*")
_BETWEEN = re.compile(r"[ \t\n\f\r/]*")
_ATTRIBUTE = re.compile(r"=?[^ \t\n\f\r/>=]*")
# How nearly all attributes are written, in one step instead of six.
_USUAL = re.compile(r'[ \t\n\f\r/]*([^ \t\n\f\r/>=]+)="([^"]*)"')
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*")
_RAW = {
    name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{0,31};?)(=?)")


def _token(html: str, at: int) -> Markup:
    if html.startswith("<!--", at):
        return _comment(html, at)
    if html.startswith("</", at):
        name = _NAME.match(html, at + 2)
        end = _after(html, ">", at + 2)
        return EndTag(name[0].lower(), at, end) if name else Other(at, end)
    if html.startswith(("<!", "<?"), at):
        return Other(at, _after(html, ">", at))
    name = _NAME.match(html, at + 1)
    return _start_tag(html, at, name) if name else Text(at, at + 1)


def _comment(html: str, at: int) -> Other:
    if html.startswith(("<!-->", "<!--->"), at):
        return Other(at, html.index(">", at) + 1)
    return Other(at, _after(html, "-->", at + 4))


def _after(html: str, ending: str, at: int) -> int:
    found = html.find(ending, at)
    return len(html) if found < 0 else found + len(ending)


def _start_tag(html: str, start: int, name: "re.Match[str]") -> Markup:
    attributes: list[Attribute] = []
    at, size = name.end(), len(html)
    if html[at : at + 1] == ">":
        return StartTag(name[0].lower(), start, at + 1, ())
    while True:
        while usual := _USUAL.match(html, at):
            attributes.append(Attribute(usual[1].lower(), usual[2], usual.start(2), usual.end(2), '"'))
            at = usual.end()
        at = _end(_BETWEEN, html, at)
        if at >= size:
            return Other(start, size)
        if html[at] == ">":
            return StartTag(name[0].lower(), start, at + 1, tuple(attributes))
        label = _ATTRIBUTE.match(html, at)
        assert label is not None  # the pattern matches everywhere
        at = _end(_SPACES, html, label.end())
        if at >= size or html[at] != "=":
            attributes.append(Attribute(label[0].lower(), "", label.end(), label.end(), ""))
            continue
        at = _end(_SPACES, html, at + 1)
        quote = html[at : at + 1] if html[at : at + 1] in ('"', "'") else ""
        at += len(quote)
        end = html.find(quote, at) if quote else _end(_UNQUOTED, html, at)
        if end < 0:
            return Other(start, size)
        attributes.append(Attribute(label[0].lower(), html[at:end], at, end, quote))
        at = end + len(quote)


def _end(pattern: "re.Pattern[str]", html: str, at: int) -> int:
    found = pattern.match(html, at)
    return found.end() if found else at


def _referenced(found: "re.Match[str]") -> str:
    reference, equals = found[0].removesuffix(found[1]), found[1]
    if not reference.endswith(";") and reference[1] != "#" and (equals or reference[1:] not in html5):
        # In an attribute, `&copy=1` is a parameter and not a sign (HTML standard, section 13.2.5.73).
        return found[0]
    return unescape(reference) + equals
