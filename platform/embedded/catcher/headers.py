"""Header fields of a mail, decoded for people (RFC 5322, RFC 2047, RFC 2231). Never fails, always bounded."""

import binascii
import codecs
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from embedded.catcher import limits

Fields = tuple[tuple[str, str], ...]

# Possessive quantifiers: what has matched is not tried again, so no input makes these slow.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60}+)\?([bBqQ])\?([^?\s]*+)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s++(?==\?[^?\s]{1,60}+\?[bBqQ]\?)")
_PARAMETER = re.compile(r";\s*+([^\s=;\"]++)\s*+=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;]*+))")
_CONTINUED = re.compile(r"([^*]++)(?:\*(\d{1,3}))?(\*)?")
_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,200}")
# Codecs that take time with the square of the length, or make characters that no UTF-8 text can hold.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf_7", "undefined"})


def split_header(message: bytes) -> tuple[Fields, bytes]:
    """The fields, unfolded and decoded, and the body. Lines end with CRLF or LF."""
    section, body = _split(message)
    lines = section.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and fields:
            name, value = fields[-1]
            if len(value) < limits.FIELD_CHARACTERS:
                fields[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name.rstrip()) and len(fields) < limits.HEADER_FIELDS:
            fields.append((name.rstrip(), value.strip()))
    return tuple((name, value[: limits.FIELD_CHARACTERS]) for name, value in fields), body


def first(fields: Fields, name: str) -> str:
    """The value of the first field of that name; "" if there is none."""
    wanted = name.lower()
    return next((value for found, value in fields if found.lower() == wanted), "")


def decode_words(value: str) -> str:
    """`=?utf-8?q?J=C3=BCrgen?=` as `Jürgen`; what is malformed stays as it is."""
    if "=?" not in value:
        return value
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", value))


def parse_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """`text/plain; charset=utf-8` as ("text/plain", {"charset": "utf-8"}), all names in lower case."""
    kind = value.partition(";")[0].strip().lower()
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, quoted, plain in _PARAMETER.findall(value):
        found = _CONTINUED.fullmatch(name.lower())
        if found is not None:
            text = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
            numbered = pieces.setdefault(found[1], {})
            numbered.setdefault(int(found[2] or 0), (text, bool(found[3])))
    return kind, {name: _join(numbered) for name, numbered in pieces.items()}


def decode_text(data: bytes, charset: str) -> str:
    """With U+FFFD for what the charset, or UTF-8 in place of an unknown one, cannot read."""
    try:
        known = codecs.lookup(charset or "utf-8").name
        if known.replace("-", "_") not in _NOT_CHARSETS:
            return data.decode(known, "replace")
    except (LookupError, ValueError):
        pass  # falls through to the charset that most unlabelled mail is in
    return data.decode("utf-8", "replace")


def _split(message: bytes) -> tuple[bytes, bytes]:
    if message.startswith((b"\r\n", b"\n")):
        return b"", message.partition(b"\n")[2]
    ends = [(message.find(mark, 0, limits.HEADER_BYTES), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    found = [(start, length) for start, length in ends if start >= 0]
    if not found:
        return message[: limits.HEADER_BYTES], message[limits.HEADER_BYTES :]
    start, length = min(found)
    return message[:start], message[start + length :]


def _decode_word(found: re.Match[str]) -> str:
    charset, encoding, text = found.groups()
    data = text.encode("utf-8", "replace")
    try:
        if encoding in "bB":
            data = binascii.a2b_base64(data + b"===")
        else:
            data = binascii.a2b_qp(data, header=True)
    except ValueError:
        return found[0]
    return decode_text(data, charset.partition("*")[0])


def _join(numbered: Mapping[int, tuple[str, bool]]) -> str:
    """RFC 2231: pieces `name*0*=utf-8''J%C3%BC`, `name*1=rgen`; the first one names the charset."""
    pieces = [numbered[number] for number in sorted(numbered)]
    if not any(encoded for _, encoded in pieces):
        return decode_words("".join(text for text, _ in pieces))
    charset, _, rest = pieces[0][0].partition("'")
    pieces[0] = (rest.partition("'")[2], pieces[0][1])
    data = b"".join(unquote_to_bytes(text) if encoded else text.encode() for text, encoded in pieces)
    return decode_text(data, charset)
