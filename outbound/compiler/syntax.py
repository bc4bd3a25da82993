"""What the author of a template can get wrong, found at its place and said in a sentence."""

from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

from outbound.compiler.faults import TemplateFault
from outbound.compiler.filters import FILTERS, TESTS
from outbound.compiler.language import PLAIN_TEXT
from outbound.compiler.scan import Kind, Scanned, Tag, Token, foreign_syntax

DEEPEST_NESTING = 15
LONGEST_TAG = 8_000  # characters


def check_syntax(scanned: Scanned) -> None:
    """Raises TemplateFault for unknown words and for blocks that do not close."""
    for tag in scanned.tags:
        if tag.kind is Kind.VARIABLE or tag.kind is Kind.BLOCK:
            _check_tag(scanned, tag)
    _check_nesting(scanned)


def parse(scanned: Scanned, environment: Environment) -> nodes.Template:
    """The syntax tree of a source that `check_syntax` has passed. Raises TemplateFault."""
    try:
        return environment.parse(scanned.source)
    except TemplateSyntaxError as error:
        raise _locate(scanned, error) from None
    except (ValueError, OverflowError):
        raise scanned.fault("A number in this part is too long.", 0) from None
    except RecursionError:
        raise scanned.fault("This part is nested too deeply.", 0) from None


def locate(scanned: Scanned, line: int, needle: str) -> Tag | None:
    """The tag that stands on (or reaches) a line and has a word in it."""
    for tag in scanned.tags:
        begins = scanned.source.count("\n", 0, tag.start) + 1
        ends = begins + scanned.source.count("\n", tag.start, tag.end)
        if begins <= line <= ends and needle in scanned.source[tag.start : tag.end]:
            return tag
    return None


@dataclass(frozen=True, slots=True)
class _Block:
    closer: str
    middles: frozenset[str] = frozenset()


_BLOCKS = {
    "if": _Block("endif", frozenset({"elif", "else"})),
    "for": _Block("endfor", frozenset({"else"})),
    "set": _Block("endset"),
    "macro": _Block("endmacro"),
    "call": _Block("endcall"),
    "filter": _Block("endfilter"),
    "with": _Block("endwith"),
}
_CLOSERS = {block.closer: word for word, block in _BLOCKS.items()}
_MIDDLES = {"elif", "else"}
_NOT_HERE = {"include", "import", "from", "extends", "block", "endblock", "autoescape", "endautoescape", "print"}
_WORDS = {*_BLOCKS, *_CLOSERS, *_MIDDLES, "raw"}
_FOREIGN_WORDS = {"elseif": "elif", "elsif": "elif", "end": "endif", "foreach": "for", "unless": "if not"}
_NO_NAMES = {"else", "elif", "endif", "endfor", "end", "this", "self", "super"}


def _check_tag(scanned: Scanned, tag: Tag) -> None:
    source = scanned.source[tag.start : tag.end]
    if not tag.tokens:
        raise scanned.fault("There is nothing between the braces.", tag.start, tag.end)
    if tag.end - tag.start > LONGEST_TAG:
        raise scanned.fault(f"A tag has at most {LONGEST_TAG} characters.", tag.start, tag.end)
    advice = foreign_syntax(source) if tag.kind is Kind.VARIABLE else None
    if advice:
        raise scanned.fault(advice, tag.start, tag.end)
    if tag.kind is Kind.BLOCK:
        _check_word(scanned, tag)
    elif tag.word in _NO_NAMES:
        raise scanned.fault(f"“{tag.word}” is not the name of a field.", tag.start, tag.end)
    _check_names(scanned, tag)
    _check_filters_and_tests(scanned, tag)


def _check_word(scanned: Scanned, tag: Tag) -> None:
    word = tag.word
    if word in _WORDS:
        return
    if word in _NOT_HERE:
        raise scanned.fault(f"{{% {word} %}} cannot be used in a mail.", tag.start, tag.end)
    near = _FOREIGN_WORDS.get(word) or next(iter(get_close_matches(word, _WORDS, 1)), None)
    hint = f" Did you mean {{% {near} %}}?" if near else ""
    raise scanned.fault(f"There is no {{% {word} %}} tag.{hint}", tag.start, tag.end)


def _check_names(scanned: Scanned, tag: Tag) -> None:
    for before, token, after in zip((None, *tag.tokens), tag.tokens, (*tag.tokens[1:], None), strict=False):
        if token.type == "name" and token.text.startswith("_"):
            raise scanned.fault("A name does not begin with an underscore.", token.at, tag.end)
        if token.text == "**":
            raise scanned.fault("Powers cannot be calculated in a mail.", token.at, tag.end)
        if token.text == "-" and before and after and before.type == after.type == "name":
            name = f"{before.text}-{after.text}"
            if name in scanned.source[before.at : before.at + len(name)]:
                raise scanned.fault(
                    f"“{name}” would be {before.text} minus {after.text}: the name of a field has "
                    f"underscores, like {name.replace('-', '_')}. To calculate, put blanks around the minus.",
                    before.at,
                    tag.end,
                )


def _check_filters_and_tests(scanned: Scanned, tag: Tag) -> None:
    tokens = tag.tokens
    for index, token in enumerate(tokens[:-1]):
        if token.text == "|" and token.type == "operator":
            _check_filter(scanned, tag, tokens[index + 1])
        if token.text == "is" and token.type == "name":
            after = [one for one in tokens[index + 1 : index + 3] if one.text != "not"]
            if after and after[0].type == "name" and after[0].text not in TESTS:
                raise scanned.fault(f"There is no test “is {after[0].text}”.", after[0].at, tag.end)
    if tag.kind is Kind.BLOCK and tag.word == "filter" and len(tokens) > 1:
        _check_filter(scanned, tag, tokens[1])


def _check_filter(scanned: Scanned, tag: Tag, name: Token) -> None:
    if name.type != "name" or name.text in FILTERS:
        return
    if name.text in ("safe", "forceescape", "xmlattr"):
        message = f"The filter “{name.text}” cannot be used: what a contact's data holds is always shown as text."
    else:
        near = get_close_matches(name.text, FILTERS, 1)
        message = f"There is no filter “{name.text}”." + (f" Did you mean “{near[0]}”?" if near else "")
    raise scanned.fault(message, name.at, tag.end)


def _check_nesting(scanned: Scanned) -> None:
    opened: list[Tag] = []
    for tag in scanned.tags:
        if tag.kind is not Kind.BLOCK:
            continue
        if tag.word in _BLOCKS and not _is_assignment(tag):
            opened.append(tag)
            if len(opened) > DEEPEST_NESTING:
                raise scanned.fault(f"Blocks can be nested {DEEPEST_NESTING} deep at most.", tag.start, tag.end)
        elif tag.word in _MIDDLES:
            if not opened or tag.word not in _BLOCKS[opened[-1].word].middles:
                raise scanned.fault(f"{{% {tag.word} %}} stands outside of {{% if %}}.", tag.start, tag.end)
        elif tag.word in _CLOSERS:
            _close(scanned, opened, tag)
    if opened:
        last = opened[-1]
        closer = _BLOCKS[last.word].closer
        message = f"{{% {last.word} %}} opened here is never closed: add {{% {closer} %}}."
        raise scanned.fault(message, last.start, last.end)


def _close(scanned: Scanned, opened: list[Tag], tag: Tag) -> None:
    word = _CLOSERS[tag.word]
    if not opened:
        raise scanned.fault(
            f"{{% {tag.word} %}} closes nothing: there is no {{% {word} %}} before it.", tag.start, tag.end
        )
    if opened[-1].word != word:
        wanted = _BLOCKS[opened[-1].word].closer
        line = scanned.source.count("\n", 0, opened[-1].start) + 1
        raise scanned.fault(
            f"{{% {opened[-1].word} %}} of line {line} must be closed before this: "
            f"put {{% {wanted} %}} in front of {{% {tag.word} %}}.",
            tag.start,
            tag.end,
        )
    opened.pop()


def _is_assignment(tag: Tag) -> bool:
    return tag.word == "set" and any(token.text == "=" for token in tag.tokens)


def _locate(scanned: Scanned, error: TemplateSyntaxError) -> TemplateFault:
    """The first tag that cannot stand on its own is the one the parser stumbled over."""
    tag = locate(scanned, error.lineno, "") if scanned.source.count("\n") else None
    for candidate in scanned.tags:
        if candidate.kind is Kind.VARIABLE and not _stands_alone(scanned, candidate):
            tag = candidate
            break
        if candidate.kind is Kind.BLOCK and not _opens_alone(scanned, candidate):
            tag = candidate
            break
    if tag is None:
        return scanned.fault(_sentence(error, None), 0)
    return scanned.fault(_sentence(error, tag), tag.start, tag.end)


def _stands_alone(scanned: Scanned, tag: Tag) -> bool:
    return _parses(scanned.source[tag.start : tag.end])


def _opens_alone(scanned: Scanned, tag: Tag) -> bool:
    source = scanned.source[tag.start : tag.end]
    if tag.word in ("elif", "else"):
        return _parses("{% if a %}" + source + "{% endif %}")
    if tag.word in _CLOSERS:
        return len(tag.tokens) == 1 or tag.word == "endmacro"
    if _is_assignment(tag):
        return _parses(source)
    return _parses(source + f"{{% {_BLOCKS[tag.word].closer} %}}")


def _parses(source: str) -> bool:
    try:
        PLAIN_TEXT.parse(source)
    except TemplateSyntaxError:
        return False
    return True


def _sentence(error: TemplateSyntaxError, tag: Tag | None) -> str:
    names = [token.text for token in tag.tokens if token.type == "name"] if tag else []
    if tag and tag.kind is Kind.VARIABLE and len(names) > 1 and "end of print statement" in str(error.message):
        return (
            f"{{{{ … }}}} shows one field; after “{names[0]}” nothing else is expected. "
            "The name of a field has no blanks, and filters follow a |."
        )
    if tag and tag.kind is Kind.BLOCK:
        return f"This {{% {tag.word} %}} is not complete or has too much in it ({error.message})."
    return f"This cannot be read ({error.message})."
