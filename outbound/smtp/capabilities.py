"""What a server offers, RFC 5321 section 4.1.1.1."""

from dataclasses import dataclass

# Up to here SIZE= is not worth its bytes on every MAIL command.
ALWAYS_SMALL = 100_000


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The extensions this client makes use of."""

    pipelining: bool = False  # RFC 2920
    chunking: bool = False  # RFC 3030
    eight_bit_mime: bool = False  # RFC 6152
    smtputf8: bool = False  # RFC 6531
    starttls: bool = False  # RFC 3207
    size: int | None = None  # RFC 1870, bytes; None: not offered, 0: offered without a limit
    auth: frozenset[str] = frozenset()  # RFC 4954, upper case
    small: int = ALWAYS_SMALL  # bodies up to so many bytes need neither SIZE= nor a look at the limit


def parse_ehlo(lines: list[bytes]) -> Capabilities:
    """The capabilities in the lines of a positive reply to EHLO. What cannot be understood is not offered."""
    words: dict[str, list[str]] = {}
    for line in lines[1:]:
        # "AUTH=PLAIN" is how servers of the nineties spelled it, and some still send both.
        keyword, *parameters = line[4:].decode("ascii", "replace").upper().replace("=", " ").split() or [""]
        words.setdefault(keyword, []).extend(parameters)
    size = _size(words)
    return Capabilities(
        pipelining="PIPELINING" in words,
        chunking="CHUNKING" in words,
        eight_bit_mime="8BITMIME" in words,
        smtputf8="SMTPUTF8" in words,
        starttls="STARTTLS" in words,
        size=size,
        auth=frozenset(words.get("AUTH", ())),
        small=min(ALWAYS_SMALL, size) if size else ALWAYS_SMALL,
    )


def _size(words: dict[str, list[str]]) -> int | None:
    if "SIZE" not in words:
        return None
    limit = "".join(words["SIZE"][:1])
    return int(limit) if limit.isdecimal() and limit.isascii() and len(limit) <= 20 else 0
