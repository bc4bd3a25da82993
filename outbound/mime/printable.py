"""Text as quoted-printable, by the standard library's C where that will do: a third of the cost.

What it leaves to do: lines that begin with a dot, which the next server would halve, and with "From ", before which
some put a ">".
"""

import re
from binascii import b2a_qp

from outbound.compiler import marks
from outbound.compiler.quoted import encode

_LONGEST_LINE = 76  # RFC 2045 section 6.7


def printable(text: str) -> bytes:
    """Clean text with LF line ends as lines of at most 76 characters with CRLF. Text without a line end gets one; a
    token's mark becomes TOKEN_MARK."""
    whole = text if text.endswith("\n") else text + "\n"
    if marks.TOKEN in whole:
        return encode(whole)
    coded = b2a_qp(whole.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
    return _TOUCHY.sub(_untouched, coded)


def cleaned(text: str) -> str:
    """As `marks.clean`, which has more to do than most texts need."""
    return text if text.replace("\n", "").isprintable() else marks.clean(text)


_TOUCHY = re.compile(rb"^(?:\.|From )[^\r]*", re.MULTILINE)


def _untouched(found: "re.Match[bytes]") -> bytes:
    """One line as one or more, none of which is touched on its way."""
    line, lines = found[0], []
    while True:
        lead = b""
        if line.startswith((b".", b"From ")):
            lead, line = b"=%02X" % line[0], line[1:]
        if len(lead) + len(line) <= _LONGEST_LINE:
            lines.append(lead + line)
            return b"=\r\n".join(lines)
        cut = _LONGEST_LINE - len(lead) - 1
        escape = line.rfind(b"=", cut - 2, cut)
        cut = escape if escape >= 0 else cut
        lines.append(lead + line[:cut])
        line = line[cut:]
