"""Quoted-printable (RFC 2045 section 6.7) in pieces that can stand beside each other in any order.

Every piece begins and ends at the start of a line: after the last character stands a soft line break. So
a value never shifts its neighbours, and a message is pieces joined. And no piece has a line that
begins with a dot, a blank before a line end, or two blanks in a row: nothing is left to do for SMTP's
dot-stuffing or for DKIM's relaxed canonicalisation.
"""

import re

from markupsafe import escape

from outbound.compiler import marks
from outbound.compiler.values import text_of

TOKEN_WIDTH = 32
TOKEN_MARK = b"=_" + b"-" * (TOKEN_WIDTH - 2)  # "=_" cannot occur in quoted-printable text
SOFT_BREAK = b"=\r\n"

_LONGEST_LINE = 76
_LARGEST_CACHE = 20_000
_LONGEST_CACHED = 200  # characters


def encode(text: str) -> bytes:
    """Clean text with LF line ends as a piece; a token in it becomes TOKEN_MARK, on one line."""
    coded = text.encode("utf-8", "replace").replace(b"=", b"=3D")
    # One pattern for each purpose: an alternation of them is six times as slow.
    coded = _SPECIAL.sub(_hexadecimal, coded).replace(_CODED_TOKEN, TOKEN_MARK)
    coded = _BLANKS.sub(_some_blanks, coded).replace(b" \n", b"=20\n")
    out: list[bytes] = []
    *lines, tail = coded.split(b"\n")
    for line in lines:
        if len(line) <= _LONGEST_LINE and not line.startswith((b".", b"From ")):
            out.append(line + b"\r\n")
        else:
            _wrap(line, out, _LONGEST_LINE, b"\r\n")
    if tail:
        _wrap(tail, out, _LONGEST_LINE - 1, SOFT_BREAK)
    return b"".join(out)


class EncodedValues(dict[object, bytes]):
    """Values of recipients to their pieces. First names repeat; so does much else in a list."""

    def __init__(self, *, html: bool) -> None:
        super().__init__({None: b""})
        self._html = html

    def __missing__(self, value: object) -> bytes:
        coded = self.fresh(value)
        # Only text is kept: to a dictionary, True and 1 are one key.
        if type(value) is str and len(value) <= _LONGEST_CACHED:
            if len(self) >= _LARGEST_CACHE:
                self.clear()
                self[None] = b""
            self[value] = coded
        return coded

    def fresh(self, value: object) -> bytes:
        """The piece of a value that is not worth keeping, such as an address."""
        text = value if type(value) is str else text_of(value)
        if len(text) < _LONGEST_LINE and _HARMLESS(text):
            return text.encode() + SOFT_BREAK
        text = marks.clean(text)
        return encode(str(escape(text)) if self._html else str(text))


HTML_VALUES = EncodedValues(html=True)
TEXT_VALUES = EncodedValues(html=False)

# What stays as it is in HTML and in quoted-printable: single blanks, no dot and no "From " at the start.
_HARMLESS = re.compile(
    r"(?!From )[A-Za-z0-9][A-Za-z0-9.,:;@_+\-/()!?#*%$]*(?: [A-Za-z0-9.,:;@_+\-/()!?#*%$]+)* ?"
).fullmatch
_SPECIAL = re.compile(rb"[^\n -~]+")
_BLANKS = re.compile(rb"  +")
_HEX = [b"=%02X" % byte for byte in range(256)]
_CODED_TOKEN = b"".join(_HEX[byte] for byte in marks.TOKEN.encode())
_UNDERSCORE = ord("_")


def _hexadecimal(found: "re.Match[bytes]") -> bytes:
    return b"".join([_HEX[byte] for byte in found.group()])


def _some_blanks(found: "re.Match[bytes]") -> bytes:
    """Every second blank stays one, and never the last: that one may stand before a line end."""
    count = found.end() - found.start()
    return (b"=20" if count % 2 else b"") + b" =20" * (count // 2)


def _wrap(line: bytes, out: list[bytes], longest_end: int, ending: bytes) -> None:
    """Appends the line in parts of at most 76 characters; the last part with its ending fits `longest_end`."""
    at, size = 0, len(line)
    while True:
        lead = b""
        if line.startswith(b".", at):
            lead = b"=2E"  # a dot that begins a line would have to be doubled on the way
        elif line.startswith(b"From ", at):
            lead = b"=46"  # some servers put a ">" before it, which breaks signatures
        start = at + 1 if lead else at
        if size - start + len(lead) <= longest_end:
            out.append(lead + line[start:] + ending)
            return
        end = start + _LONGEST_LINE - 1 - len(lead)
        cut = line.rfind(b"=", end - TOKEN_WIDTH, end)
        if cut >= 0 and cut + (TOKEN_WIDTH if line[cut + 1] == _UNDERSCORE else 3) > end:
            end = cut
        out.append(lead + line[start:end] + SOFT_BREAK)
        at = end
