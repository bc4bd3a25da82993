"""A look at where the tags of a template begin and end, before it is read word by word.

Reading takes some fifty microseconds for each word. In half a megabyte of braces those are many seconds, which everybody
else who uses this process would wait for too.
"""

import re

from outbound.compiler.faults import TemplateFault, fault_at
from outbound.compiler.marks import clean
from outbound.compiler.scan import scan
from outbound.compiler.syntax import LONGEST_TAG

MOST_TAGS = 1_000  # in a part. Reading a template is the caller's wait; a campaign's is read once for many
MOST_IN_TAGS = 64_000  # characters between braces, of all tags of a part together

_OPENER = re.compile(r"\{%[-+]?\s{0,100}raw\s{0,100}[-+]?%\}|\{[{%#]")
_RAW_END = re.compile(r"\{%[-+]?\s{0,100}endraw\s{0,100}[-+]?%\}")
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_ENOUGH = 100  # characters from an opener on, to say what is wrong there


def check_outline(part: str, source: str) -> None:
    """Raises TemplateFault for a tag that is never closed, one that is too long, and too many of them.

    A tag is taken to end at its first closer. Where a text in quotes holds that one it ends later, so nothing is refused
    for its length here that a reader of every word would take.
    """
    source = clean(source)
    at = tags = size = 0
    while found := _OPENER.search(source, at):
        start, at = found.start(), _end(source, found)
        if at < 0:
            raise _unclosed(part, source, start)
        tags += 1
        if tags > MOST_TAGS:
            raise fault_at(too_many_tags(), part, source, start)
        if found[0] not in ("{{", "{%"):
            continue
        if at - start > LONGEST_TAG:
            raise fault_at(f"A tag has at most {LONGEST_TAG} characters.", part, source, start, at)
        size += at - start
        if size > MOST_IN_TAGS:
            raise fault_at(
                f"The tags of a part have at most {MOST_IN_TAGS:,} characters together.", part, source, start
            )


def too_many_tags() -> str:
    """What is said of them."""
    return f"A part has at most {MOST_TAGS:,} tags."


def _end(source: str, found: re.Match[str]) -> int:
    """Behind the tag; -1: it has no end."""
    if found[0] in _CLOSERS:
        closer = source.find(_CLOSERS[found[0]], found.end())
        return closer + 2 if closer >= 0 else -1
    end = _RAW_END.search(source, found.end())
    return end.end() if end else -1


def _unclosed(part: str, source: str, start: int) -> TemplateFault:
    """In the words of those who read it, who look at its beginning too."""
    try:
        scan(part, source[start : start + _ENOUGH])
    except TemplateFault as fault:
        return fault_at(fault.message, part, source, start)
    return fault_at("This tag is never closed.", part, source, start)
