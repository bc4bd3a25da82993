"""Header fields of a mail: which may be set from outside, and how a text becomes one (RFC 5322, RFC 2047).

Whatever leaves `encode_header` is complete: folded, ASCII, closed with CRLF, and one header field only.
"""

import base64
import codecs
import quopri
import re

from common.addresses import LONGEST_ADDRESS, parse_address, wire_form
from common.errors import InvalidInput

LONGEST_LINE = 998  # RFC 5322 section 2.1.1, without CRLF
WISHED_LINE = 78
LONGEST_VALUE = 16_000  # characters; a few well-known servers refuse headers beyond 32 KB altogether


def check_header_name(name: str) -> str:
    """`name`, when a caller may set this field. Raises InvalidInput."""
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"{_shown(name)} is not a header name.",
            field="headers",
            hint="A name has 1 to 76 ASCII letters, digits or hyphens.",
        )
    lowered = name.lower()
    if lowered in _OURS or lowered.startswith(_OUR_FAMILIES):
        raise InvalidInput(f"The header {name} is written by the system and cannot be set.", field="headers")
    return name


def check_header_value(value: str) -> str:
    """`value`, when it can stand in a header. Raises InvalidInput for anything that could end a line.

    That includes the characters some parsers take for line ends, and the same hidden in an RFC 2047 word.
    """
    if len(value) > LONGEST_VALUE:
        raise InvalidInput(f"A header value has at most {LONGEST_VALUE} characters.", field="headers")
    if _UNSAFE.search(value):
        raise InvalidInput("A header value must not hold line breaks or control characters.", field="headers")
    for word in _ENCODED_WORD.finditer(value):
        if _hides_a_control(word["charset"], word["encoding"], word["text"]):
            raise InvalidInput("A header value must not hide line breaks in an encoded word.", field="headers")
    return value


def header_text(text: str) -> str:
    """Any text made fit for a header: control characters and runs of blanks become one blank each."""
    return _CONTROLS.sub(" ", _BROKEN.sub("\ufffd", text)).strip(" ")


def encode_header(name: str, value: str) -> bytes:
    """One unstructured field. Runs of blanks become one; what is not plain ASCII becomes RFC 2047 words."""
    text = header_text(value)
    words = text.split(" ")
    if text.isascii() and "=?" not in text and max(map(len, words)) < LONGEST_LINE - len(name) - 2:
        return _fold(name, words)
    return _fold(name, _encoded_words(text, len(name) + 2))


def encode_phrase(text: str) -> str:
    """A display name for the left of `<address>`: bare, quoted or as RFC 2047 words, a blank between those."""
    text = header_text(text)
    if not text.isascii() or "=?" in text:
        return " ".join(_encoded_words(text, _PHRASE_INDENT))
    if _ATOMS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else ""


def encode_mailbox(header: str, name: str, address: str) -> bytes:
    """A From, Sender or Reply-To field of one mailbox. Raises InvalidInput when the address is none."""
    phrase, bracketed = encode_phrase(name), wire_address(address)
    if not phrase:
        return header.encode() + b": " + bracketed + b"\r\n"
    words = phrase.split(" ") if phrase.startswith("=?") else [phrase]
    return _fold(header, [*words, f"<{bracketed.decode()}>"])


def wire_address(address: str) -> bytes:
    """An address as SMTP and header fields have it: ASCII domain, local part in UTF-8 (RFC 6532).

    The last door before the wire: nothing that could end a field or a command passes. It is not the place
    where addresses are judged; that was done when they came in. Raises InvalidInput.
    """
    raw = address.encode("utf-8", "replace")
    # Deleting the harmless characters and looking at what is left costs half of what a pattern does.
    if raw.translate(None, _PLAIN_ADDRESS_BYTES) == b"@" and len(raw) <= LONGEST_ADDRESS:
        return raw
    return wire_form(parse_address(address)).encode()


# Not beginning with a dot: as the first letter of a line SMTP takes that away (RFC 5321 section 4.5.2).
_NAME = re.compile(r"(?!\.)[\x21-\x39\x3b-\x7e]{1,76}")
_OURS = frozenset([
    "from", "to", "cc", "bcc", "sender", "date", "message-id", "dkim-signature", "received", "return-path",
    "authentication-results", "mime-version", "delivered-to",
])  # fmt: skip
_OUR_FAMILIES = ("arc-", "list-unsubscribe", "content-", "resent-")
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_BROKEN = re.compile("[\ud800-\udfff]")
_ENCODED_WORD = re.compile(r"=\?(?P<charset>[^?\s]*)\?(?P<encoding>[BbQq])\?(?P<text>[^?]*)\?=")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PLAIN_ADDRESS_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"
_PHRASE_INDENT = len("Reply-To: ")
_LONGEST_WORD = 75  # RFC 2047 section 2
_LONGEST_ENCODED_LINE = 76
_WRAPPING = len("=?utf-8?q??=")
_Q_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def _shown(name: str) -> str:
    return repr(name[:40])


def _hides_a_control(charset: str, encoding: str, text: str) -> bool:
    try:
        if encoding in "Bb":
            raw = base64.b64decode(text + "=" * (-len(text) % 4))
        else:
            raw = quopri.decodestring(text.encode(), header=True)
    except ValueError:
        return True
    if any(byte < 32 and byte != 9 for byte in raw) and not charset.lower().startswith(("utf-16", "utf-32")):
        return True
    try:
        # RFC 2231 allows a language after the charset. Through a codec, because UTF-7 hides line ends too.
        decoded = raw.decode(codecs.lookup(charset.partition("*")[0]).name, "replace")
    except (LookupError, ValueError):
        decoded = raw.decode("latin-1")
    return _UNSAFE.search(decoded) is not None


def _fold(name: str, words: list[str]) -> bytes:
    """Breaks before a word that would pass the wished length; never before the first one."""
    line = f"{name}: {words[0]}"
    lines = []
    for word in words[1:]:
        if len(line) + 1 + len(word) > WISHED_LINE:
            lines.append(line)
            line = " " + word
        else:
            line += " " + word
    lines.append(line)
    return "\r\n".join(lines).encode() + b"\r\n"


def _encoded_words(text: str, indent: int) -> list[str]:
    """Words of at most 75 characters, broken between characters; the first one leaves room for the name."""
    first = max(_LONGEST_ENCODED_LINE - indent, 32)
    raw = text.encode()
    special = sum(byte not in _Q_PLAIN and byte != 32 for byte in raw)
    words: list[str] = []
    if 3 * special < len(raw):
        for part in _q_parts(text, first - _WRAPPING):
            words.append(f"=?utf-8?q?{part}?=")
        return words
    start, room = 0, (first - _WRAPPING) // 4 * 3
    while start < len(raw):
        end = start + room
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{base64.b64encode(raw[start:end]).decode()}?=")
        start, room = end, (_LONGEST_WORD - _WRAPPING) // 4 * 3
    return words


def _q_parts(text: str, room: int) -> list[str]:
    parts, part = [], ""
    for char in text:
        coded = _q_character(char)
        if len(part) + len(coded) > room:
            parts.append(part)
            part, room = "", _LONGEST_WORD - _WRAPPING
        part += coded
    return [*parts, part]


def _q_character(char: str) -> str:
    if char == " ":
        return "_"
    return "".join(chr(byte) if byte in _Q_PLAIN else f"={byte:02X}" for byte in char.encode())
