"""One thing that happened, and what outsiders wrote about it made fit for the database and the desk."""

import unicodedata
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

LONGEST_AGENT = 300
LONGEST_DETAIL = 1_000


class Hit(NamedTuple):
    """Something that happened to the recipient at `position` of a message. Texts come cleaned (functions below)."""

    kind: int  # outbound.states.EventKind
    message_id: int
    position: int
    at: datetime
    link: int | None = None
    ip: str | None = None
    agent: str | None = None
    detail: str | None = None


@lru_cache(maxsize=4096)
def clean_agent(raw: bytes) -> str | None:
    """A User-Agent header as text: at most 300 characters, none that controls a terminal or turns text around."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return clean_text(text, LONGEST_AGENT) or None


@lru_cache(maxsize=4096)
def clean_ip(text: str | None) -> str | None:
    """An IP address in the form PostgreSQL takes, IPv4 without an IPv6 wrapping; None for anything else."""
    if text is None:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def clean_text(text: str, limit: int = LONGEST_DETAIL) -> str:
    """One line of at most `limit` characters, every control and format character replaced by a blank."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if unicodedata.category(char) in _UNFIT else char for char in text[: 4 * limit])
    return " ".join(text.split())[:limit]


_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
