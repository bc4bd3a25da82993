"""How addresses, times and sizes are written on the pages."""

import re
import unicodedata
from datetime import UTC, datetime

_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = re.compile(r"\s+")


def shown(text: str) -> str:
    """One line in which nothing is invisible or turns the direction of writing: U+202E is shown as U+FFFD."""
    text = _LINE_BREAKS.sub(" ", text)
    return "".join(_visible(char) for char in text)


def shown_text(text: str) -> str:
    """The same for text of several lines."""
    return "".join(char if char in "\n\t" else _visible(char) for char in text.replace("\r\n", "\n"))


def size(octets: int) -> str:
    if octets < 1024:
        return f"{octets} B"
    if octets < 1024**2:
        return f"{octets / 1024:.1f} KB"
    return f"{octets / 1024**2:.1f} MB"


def moment(seconds: float) -> str:
    """For `<time datetime>`: ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def when(seconds: float) -> str:
    """A date and time in UTC, for readers without scripts."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y, %H:%M UTC")


def ago(seconds: float, now: float) -> str:
    passed = max(0, int(now - seconds))
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{passed // 60} min ago"
    if passed < 86_400:
        return f"{passed // 3600} h ago"
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b")


def name(author: str) -> str:
    """The name in a From field, or its address where there is none."""
    before, _, address = author.rpartition("<")
    return before.strip().strip('"').strip() or address.rstrip("> ")


def initial(author: str) -> str:
    """The first letter of a name or address, for the round mark before it."""
    return next((char.upper() for char in author if char.isalnum()), "?")


def hue(text: str) -> int:
    """Which of the twelve colours the mark of this author has."""
    return sum(text.lower().encode("utf-8", "replace")) % 12


def _visible(char: str) -> str:
    return "\ufffd" if char in _TURNING or unicodedata.category(char) in _UNSEEN else char
