"""The text version of an HTML mail, made as a template: fields and conditions come along."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

from outbound.compiler import marks
from outbound.compiler.markup import VOID, EndTag, Markup, StartTag, Text
from outbound.compiler.protect import Protected
from outbound.compiler.scan import Kind
from outbound.compiler.textflow import Page


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads, as written, and what stands for it in the mail (template tags still marked)."""

    written: str
    tracked: str


def text_of_page(source: Protected, tokens: list[Markup], targets: Mapping[int, Target]) -> str:
    """A template in plain text; `targets` by the start of their `<a>` tags."""
    converter = _Converter(source, targets)
    for token in tokens:
        converter.take(token)
    return source.restore(converter.page.finished())


_DROPPED = frozenset(["head", "script", "style", "title", "object", "audio", "video", "select", "svg", "math"])
_TWO_LINES = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table", "dl"])
_ONE_LINE = frozenset([
    "div", "tr", "li", "section", "article", "header", "footer", "main", "nav", "aside", "center", "address",
    "form", "fieldset", "dt", "dd", "caption", "container", "row", "wrapper", "columns", "callout",
])  # fmt: skip
_CELLS = frozenset({"td", "th"})
_HIDDEN = re.compile(r"display:none|max-height:0(?![.\d]*[1-9])")
_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200c\u200e\u200f\u2060\u2007\ufeff]")
_RULE = "-" * 20
_DEEPEST_INDENT = 10  # lists in lists in lists: nobody counts further, and each line would grow with its depth


@dataclass(slots=True)
class _Anchor:
    target: Target | None
    begin: int


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int = 0


@dataclass(slots=True)
class _Converter:
    source: Protected
    targets: Mapping[int, Target]
    page: Page = field(default_factory=Page)
    _anchors: list[_Anchor] = field(default_factory=list)
    _lists: list[_List] = field(default_factory=list)
    _skipped: str = ""  # name of the hidden element we are in
    _depth: int = 0

    def take(self, token: Markup) -> None:
        if isinstance(token, Text) and not token.raw and not self._skipped:
            self._text(self.source.text[token.start : token.end])
            return
        if self.source.scanned.tags:
            self._blocks(self.source.text[token.start : token.end], self._used_target(token))
        if isinstance(token, StartTag):
            self._start(token)
        elif isinstance(token, EndTag):
            self._end(token.name)

    def _used_target(self, token: Markup) -> str:
        """A link target with conditions in it is written where the link begins, conditions and all."""
        target = self.targets.get(token.start)
        if target is None or self._skipped or not isinstance(token, StartTag) or _is_hidden(token):
            return ""
        return target.written if self._has_blocks(target.written) else ""

    def _has_blocks(self, text: str) -> bool:
        return any(tag.kind is not Kind.VARIABLE for tag in self.source.tags_in(text))

    def _blocks(self, text: str, used: str) -> None:
        """Conditions and loops that stand in what is not shown must still open and close."""
        for found in marks.TAG.finditer(text):
            if self.source.scanned.tags[int(found[1])].kind is Kind.BLOCK and found[0] not in used:
                self.page.tag(found[0], visible=False)

    def _text(self, text: str) -> None:
        at = 0
        for found in marks.TAG.finditer(text):
            self._plain(text[at : found.start()])
            kind = self.source.scanned.tags[int(found[1])].kind
            self.page.tag(found[0], visible=kind is Kind.VARIABLE or kind is Kind.RAW)
            at = found.end()
        self._plain(text[at:])

    def _plain(self, text: str) -> None:
        # A brace from a character reference must not become a template tag.
        self.page.text(_UNSEEN.sub("", unescape(text)).replace("{", '{{ "{" }}'))

    def _start(self, tag: StartTag) -> None:
        name = tag.name
        if self._skipped:
            self._depth += name == self._skipped
            return
        if name in _DROPPED or (name not in VOID and _is_hidden(tag)):
            self._skipped, self._depth = name, 1
        elif name == "br":
            self.page.line_break()
        elif name == "hr":
            self.page.lines(1)
            self.page.literal(_RULE)
            self.page.lines(1)
        elif name == "img":
            self._text(next((one.value for one in tag.attributes if one.name == "alt"), ""))
        elif name in _CELLS:
            self.page.blank()
        elif name == "a":
            self._open_anchor(tag)
        else:
            self._open_block(tag)

    def _open_block(self, tag: StartTag) -> None:
        self.page.lines(2 if tag.name in _TWO_LINES and not self._lists else 1 if _breaks(tag.name) else 0)
        if tag.name in ("ul", "ol"):
            self._lists.append(_List(tag.name == "ol"))
        elif tag.name == "li" and self._lists:
            innermost = self._lists[-1]
            innermost.number += 1
            bullet = f"{innermost.number}. " if innermost.ordered else "- "
            self.page.literal("  " * min(len(self._lists) - 1, _DEEPEST_INDENT) + bullet)

    def _open_anchor(self, tag: StartTag) -> None:
        target = self.targets.get(tag.start)
        if target and self._has_blocks(target.written):
            self.page.literal(target.tracked)
            self.page.blank()
            target = None
        self._anchors.append(_Anchor(target, len(self.page.pieces)))

    def _end(self, name: str) -> None:
        if self._skipped:
            self._depth -= name == self._skipped
            if not self._depth:
                self._skipped = ""
        elif name == "a" and self._anchors:
            self._close_anchor(self._anchors.pop())
        elif name in _CELLS:
            self.page.blank()
        elif _breaks(name):
            if name in ("ul", "ol") and self._lists:
                self._lists.pop()
            self.page.lines(2 if name in _TWO_LINES and not self._lists else 1)

    def _close_anchor(self, anchor: _Anchor) -> None:
        if anchor.target is None:
            return
        label = "".join(self.page.pieces[anchor.begin :])
        if _bare(label) == _bare(anchor.target.written) and marks.TAG_BEGIN not in label:
            lead = label[: len(label) - len(label.lstrip())]
            self.page.pieces[anchor.begin :] = [lead]
            self.page.literal(anchor.target.tracked)
        elif label.strip():
            self.page.literal(f" ({anchor.target.tracked})")
        else:
            self.page.literal(anchor.target.tracked)


def _breaks(name: str) -> bool:
    return name in _ONE_LINE or name in _TWO_LINES


def _is_hidden(tag: StartTag) -> bool:
    if not tag.attributes:
        return False
    style = (tag.get("style") or "").lower().replace(" ", "")
    if _HIDDEN.search(style) or any(attribute.name == "hidden" for attribute in tag.attributes):
        return True
    return "preheader" in (tag.get("class") or "").lower().split()


def _bare(address: str) -> str:
    """An address without what people leave out when they write it."""
    return re.sub(r"^(?:https?://|mailto:)?(?:www\.)?", "", address.strip().lower()).rstrip("/")
