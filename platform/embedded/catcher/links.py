"""The links in a mail, for the list beside it."""

import html
import re
from collections.abc import Iterator

from embedded.catcher import limits
from embedded.catcher.headers import first
from embedded.catcher.mime import ParsedMail

# Possessive quantifiers: what has matched is not tried again, so no input makes these slow.
_HREF = re.compile(r"""\bhref\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++))""", re.IGNORECASE)
_BARE = re.compile(r"https?://[^\s<>\"']++", re.IGNORECASE)
_IN_HEADER = re.compile(r"<([^<>\s]++)>")
_LONGEST = 4096


def links_of(mail: ParsedMail) -> list[str]:
    """In the order they stand in, each once; those of List-Unsubscribe come last."""
    found: dict[str, None] = {}
    for link in _all(mail):
        if 0 < len(link) <= _LONGEST:
            found[link] = None
        if len(found) >= limits.LINKS:
            break
    return list(found)


def can_be_opened(link: str) -> bool:
    """Only these are made clickable; `javascript:` and its like are shown as text."""
    return link.lower().startswith(("http://", "https://", "mailto:"))


def _all(mail: ParsedMail) -> Iterator[str]:
    for groups in _HREF.findall(mail.html or ""):
        link = html.unescape("".join(groups)).strip()
        if not link.startswith("#"):
            yield link
    for link in _BARE.findall(mail.text or ""):
        yield link.rstrip(".,;:!?)")
    yield from _IN_HEADER.findall(first(mail.fields, "List-Unsubscribe"))
