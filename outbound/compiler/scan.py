"""A template taken apart into text and tags, each with its place in the source.

Jinja's own lexer finds them; it knows lines only, and an author needs to be shown the spot.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from jinja2.exceptions import TemplateSyntaxError

from outbound.compiler.faults import TemplateFault, fault_at
from outbound.compiler.language import PLAIN_TEXT
from outbound.compiler.marks import clean

LARGEST_TEMPLATE = 512 * 1024  # bytes of UTF-8
MOST_TAGS = 5_000


class Kind(Enum):
    VARIABLE = auto()  # {{ … }}
    BLOCK = auto()  # {% … %}
    COMMENT = auto()  # {# … #}
    RAW = auto()  # {% raw %} … {% endraw %}, whole


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or literal within a tag. `type` is that of Jinja's lexer."""

    type: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Tag:
    kind: Kind
    start: int
    end: int
    tokens: tuple[Token, ...] = ()

    @property
    def word(self) -> str:
        """The first word: what a block tag does."""
        return self.tokens[0].text if self.tokens else ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One part of the content: its source (cleaned), and the tags in it in order."""

    part: str
    source: str
    tags: tuple[Tag, ...]

    def fault(self, message: str, at: int, end: int | None = None) -> TemplateFault:
        return fault_at(message, self.part, self.source, at, end)

    def expression(self, tag: Tag) -> str:
        """What stands within a variable tag."""
        last = tag.tokens[-1]
        return self.source[tag.tokens[0].at : last.at + len(last.text)]


def scan(part: str, text: str) -> Scanned:
    """Raises TemplateFault for what is too long and for a tag that does not end or cannot be read."""
    source = clean(text.removeprefix("\ufeff"))
    if len(source.encode()) > LARGEST_TEMPLATE:
        raise TemplateFault(
            f"This part is longer than {LARGEST_TEMPLATE // 1024} KB.", part=part, line=1, column=1, excerpt=""
        )
    reader = _Reader(part, source)
    try:
        for _, kind, value in PLAIN_TEXT.lexer.tokeniter(source, None):
            reader.take(kind, value)
            if len(reader.tags) > MOST_TAGS:
                raise fault_at(f"A part has at most {MOST_TAGS} tags.", part, source, reader.tags[-1].start)
    except TemplateSyntaxError as error:
        raise reader.unreadable(error.message or "") from None
    if reader.opened is not None:
        raise reader.unreadable("")
    return Scanned(part, source, tuple(reader.tags))


class _Reader:
    """Puts the lexer's tokens back where they stand in the source."""

    def __init__(self, part: str, source: str) -> None:
        self.part, self.source = part, source
        self.tags: list[Tag] = []
        self.opened: int | None = None
        self._at = 0
        self._tokens: list[Token] = []

    def take(self, kind: str, value: str) -> None:
        # The lexer leaves out blanks that a "-" in a tag strips; nothing else ever lies between.
        at = self.source.find(value, self._at)
        self._at = end = at + len(value)
        if kind in _BEGIN:
            self.opened, self._tokens = at, []
        elif kind in _END and self.opened is not None:
            self.tags.append(Tag(_END[kind], self.opened, end, tuple(self._tokens)))
            self.opened = None
        elif kind not in ("data", "whitespace", "comment"):
            self._tokens.append(Token(kind, value, at))

    def unreadable(self, error: str) -> TemplateFault:
        start = self._at if self.opened is None else self.opened
        opener = self.source[start : start + 2]
        spot = _SPOT.search(error)
        at = int(spot[1]) if spot else self._at
        foreign = foreign_syntax(self.source[start : start + 80])
        if foreign:
            return fault_at(foreign, self.part, self.source, start)
        if opener not in _CLOSER:
            return fault_at("This cannot be read.", self.part, self.source, start)
        closer, tag = self.source.find(_CLOSER[opener], start), f"{opener} … {_CLOSER[opener]}"
        following = _OPENING.search(self.source, start + 2)
        if _RAW.match(self.source, start):
            message = "{% raw %} opened here is never closed: add {% endraw %}."
        elif closer < 0 or (following is not None and following.start() < closer):
            message = f"{opener} opened here is never closed: add {_CLOSER[opener]}."
        else:
            found = self.source[at : at + 1] or "The end"
            return fault_at(f"{found} cannot stand here, within {tag}.", self.part, self.source, at, closer + 2)
        return fault_at(message, self.part, self.source, start)


def foreign_syntax(tag: str) -> str | None:
    """What to write instead, when the tag is written the way of another system."""
    for pattern, advice in _FOREIGN:
        found = pattern.match(tag)
        if found:
            return advice.format(*found.groups())
    return None


_BEGIN = ("variable_begin", "block_begin", "comment_begin", "raw_begin")
_END = {
    "variable_end": Kind.VARIABLE,
    "block_end": Kind.BLOCK,
    "comment_end": Kind.COMMENT,
    "raw_end": Kind.RAW,
}
_CLOSER = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENING = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_SPOT = re.compile(r" at ([0-9]+)$")
_FOREIGN = [
    (re.compile(r"\{\{~?\s*#if\s+([\w.]+)"), "{{{{#if}}}} belongs to Handlebars: write {{% if {} %}} … {{% endif %}}."),
    (
        re.compile(r"\{\{~?\s*#unless\s+([\w.]+)"),
        "{{{{#unless}}}} belongs to Handlebars: write {{% if not {} %}} … {{% endif %}}.",
    ),
    (
        re.compile(r"\{\{~?\s*#each\s+([\w.]+)"),
        "{{{{#each}}}} belongs to Handlebars: write {{% for item in {} %}} … {{% endfor %}}.",
    ),
    (re.compile(r"\{\{~?\s*/(?:if|unless)"), "This ends a Handlebars block: write {{% endif %}}."),
    (re.compile(r"\{\{~?\s*/each"), "This ends a Handlebars block: write {{% endfor %}}."),
    (re.compile(r"\{\{~?\s*else\s+if\s+([\w.]+)"), "{{{{else if}}}} belongs to Handlebars: write {{% elif {} %}}."),
    (re.compile(r"\{\{~?\s*(?:else|\^)\s*~?\}\}"), "{{{{else}}}} belongs to Handlebars: write {{% else %}}."),
    (re.compile(r"\{\{~?\s*>"), "Partials of Handlebars cannot be used: put the text itself here."),
    (re.compile(r"\{\{~?\s*!"), "This is a Handlebars comment: write {{# … #}}."),
    (re.compile(r"\{\{\{\s*([\w.]+)\s*\}\}\}"), "Three braces belong to Handlebars: write {{{{ {} }}}}."),
    (re.compile(r"\{\{~?\s*(?:\.\./|@|this\b)"), "This belongs to Handlebars: write the field's own name."),
    (re.compile(r"\{\{~?\s*[#/^&]"), "This belongs to Handlebars, whose blocks and helpers are not used here."),
    (re.compile(r"\{\{\s*\*|\{\{\s*%"), "A field is written {{{{ name }}}}, with nothing else in the braces."),
]
