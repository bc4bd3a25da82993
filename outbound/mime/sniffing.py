"""Of what type an attached file is: what the caller says, held against its bytes and its name."""

import re

from outbound.mime.file_types import (
    ACTIVE,
    ALIASES,
    BINARY,
    BY_ENDING,
    EMPTY,
    MAGIC,
    OCTETS,
    ONLY_WRITTEN,
    PDF,
    PDF_MARK,
    PDF_WITHIN,
    RIFF,
    WRITTEN,
    Kind,
    has_known_bytes,
)
from outbound.mime.filenames import ending

_LOOKED_AT = 65_536  # bytes


def told_type(declared: str, filename: str, content: bytes) -> str:
    """A media type in lower case, without parameters.

    `declared` stays where the bytes do not contradict it. Else the name decides, and where the bytes contradict that
    too, they do. A type that a mail program may run or render as a page (HTML, SVG, XML) is never guessed: the caller
    or the name says so, and the bytes are text. What may itself be a mail is sent as mere bytes, for RFC 2046 section
    5.2.1 wants it unencoded.
    """
    kind = kind_of(content)
    for wanted in (declared, BY_ENDING.get(ending(filename), "")):
        wanted = ALIASES.get(wanted, wanted)
        if wanted and wanted != OCTETS and _agree(kind, wanted, declared):
            return OCTETS if wanted.startswith(("message/", "multipart/")) else wanted
    if declared == OCTETS and kind is WRITTEN:
        return OCTETS
    return kind.type if kind is not WRITTEN or not _looks_active(content) else OCTETS


def kind_of(content: bytes) -> Kind:
    """What the first bytes say."""
    if not content:
        return EMPTY
    for at, magic, kind in MAGIC:
        if content.startswith(magic, at) and (at != 8 or content.startswith(RIFF)):
            return kind
    if PDF_MARK in content[:PDF_WITHIN]:
        return PDF
    return WRITTEN if _is_text(content[:_LOOKED_AT]) else BINARY


def is_program(content: bytes) -> bool:
    """A Windows program, shortcut, cabinet or help file, whatever it is called."""
    if content.startswith(b"MZ"):
        return b"\0" in content[:64]
    return content.startswith((b"MSCF\0\0\0\0", b"ITSF", b"L\0\0\0\x01\x14\x02\0"))


# Marks that stand before UTF-16 and UTF-32, whose text holds NULs.
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_NO_TEXT = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})
_PAGE = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|script|svg|\?xml|!--|iframe|table|div|a|p|h1)\b",
    re.IGNORECASE,
)


def _is_text(start: bytes) -> bool:
    return start.startswith(_WIDE) or len(start.translate(None, _NO_TEXT)) == len(start)


def _looks_active(content: bytes) -> bool:
    return _PAGE.match(content[:1_024]) is not None


def _agree(kind: Kind, wanted: str, declared: str) -> bool:
    if kind is EMPTY:
        return True
    if ACTIVE.fullmatch(wanted) and declared and not ACTIVE.fullmatch(declared):
        return False  # who declares a picture or mere bytes does not get a page
    if kind is BINARY:
        return not ONLY_WRITTEN.fullmatch(wanted) and not has_known_bytes(wanted)
    return kind.may_be(wanted)
