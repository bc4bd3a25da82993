"""A mail taken apart, with a bound on everything: bytes, headers, parts, depth. Any line ends; no exception.

The standard library's parser is not used: a nested or finely sliced mail costs it seconds, or its stack.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

LONGEST_MAIL = 512 * 1024
_LONGEST_HEAD = 128 * 1024
_MOST_FIELDS = 500
_MOST_PARTS = 40
_DEEPEST = 6
_LONGEST_SUBJECT = 1_000

_LINE_ENDS = re.compile(rb"\r\n?")
_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]*:[ \t]*(.*)", re.DOTALL)
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_*-]{1,40})\s*=\s*(?:"([^"]{0,300})"|([^\s;"]{0,300}))')
_CHARSETS = re.compile(
    r"(?:utf-?8|us-ascii|iso-?8859-?\d+|latin-?1|(?:windows-|cp)125\d|iso-2022-(?:jp|kr)|euc-(?:jp|kr)|shift_?jis|gb2312|gbk|gb18030|big5"
    r"|koi8-[ru])\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part without parts, or a whole mail inside: `text` is decoded."""

    type: str  # "text/plain", lower case
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """`headers` by lower-case name; of a repeated one the first."""

    headers: dict[str, str]
    parts: list[Part]

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def subject(self) -> str:
        return decoded_words(self.header("subject"))

    def of_type(self, *types: str) -> Iterator[Part]:
        return (part for part in self.parts if part.type in types)


def take_apart(raw: bytes) -> Mail:
    """Never raises; what is beyond the bounds is left out."""
    text = _LINE_ENDS.sub(b"\n", raw[:LONGEST_MAIL]).lstrip(b"\n")
    if text.startswith(b"From "):
        text = text.partition(b"\n")[2]
    head, body = _split(text)
    headers = fields_of(head.decode("utf-8", "replace"))
    parts: list[Part] = []
    _collect(headers, body, parts, _DEEPEST)
    return Mail(headers, parts)


def fields_of(head: str) -> dict[str, str]:
    """Header fields, unfolded; the first of each name."""
    fields: dict[str, str] = {}
    for line in _unfolded(head):
        found = _FIELD.match(line)
        if found:
            fields.setdefault(found[1].lower(), found[2].strip())
    return fields


def decoded_words(value: str) -> str:
    """A header value with its RFC 2047 words decoded."""
    if "=?" not in value:
        return value
    try:
        found = decode_header(value[:_LONGEST_SUBJECT])
    except (HeaderParseError, ValueError, LookupError):
        return value
    return "".join(part if isinstance(part, str) else _decode(part, charset or "us-ascii") for part, charset in found)


def _split(text: bytes) -> tuple[bytes, bytes]:
    if text.startswith(b"\n"):
        return b"", text[1:]
    head, _, body = text.partition(b"\n\n")
    return head[:_LONGEST_HEAD], body


def _unfolded(head: str) -> list[str]:
    lines: list[str] = []
    for line in head.split("\n"):
        if line[:1] in " \t" and lines:
            lines[-1] += "\n" + line
        elif len(lines) >= _MOST_FIELDS:
            break
        else:
            lines.append(line)
    return lines


def _collect(headers: dict[str, str], body: bytes, parts: list[Part], depth: int) -> None:
    content_type = headers.get("content-type", "text/plain")
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/") and depth:
        boundary = _parameters(content_type).get("boundary", "")
        if boundary:
            for piece in _pieces(body, boundary.encode("utf-8", "replace")):
                if len(parts) >= _MOST_PARTS:
                    return
                head, inner = _split(piece)
                _collect(fields_of(head.decode("utf-8", "replace")), inner, parts, depth - 1)
            return
    charset = _parameters(content_type).get("charset", "utf-8")
    parts.append(
        Part(kind or "text/plain", _decode(_unwrapped(body, headers.get("content-transfer-encoding", "")), charset))
    )


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    for piece in (b"\n" + body).split(b"\n--" + boundary, _MOST_PARTS)[1:]:
        if piece.startswith(b"--"):
            return
        yield piece.partition(b"\n")[2]


def _parameters(value: str) -> dict[str, str]:
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(value[:2_000])}


def _unwrapped(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        # Cut off in transit: what is whole is read.
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
    return body


def _decode(raw: bytes, charset: str) -> str:
    if not _CHARSETS.match(charset):
        charset = "utf-8"
    try:
        return raw.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return raw.decode("utf-8" if charset.isascii() and raw.isascii() else "latin-1", "replace")
