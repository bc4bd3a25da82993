"""The body of a mail from its parts: alternatives, inline images, attachments (RFC 2045, 2046, 2183, 2231, 2387).

A body is a row of pieces in which None stands for the recipient's token. No line of it begins with a dot, none is
longer than 78 characters but where a file's name is one long word, and none ends in a blank.
"""

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes

from outbound.compiler.quoted import TOKEN_MARK
from outbound.mime.file_types import OCTETS
from outbound.mime.printable import printable
from outbound.submission.types import Attachment

Pieces = list[bytes | None]


@dataclass(frozen=True, slots=True)
class Part:
    """Something with a type: `head` are its finished lines, Content-Type first."""

    head: tuple[bytes, ...]
    body: Pieces


def body_of(text: str, html: str, attachments: Sequence[Attachment], *, seed: str) -> Part:
    """The whole body. `text` and `html` are clean, with LF line ends; one of them may be empty.

    Attachments with a content id that the page shows stand beside the page, all others after the text. `seed` makes
    the boundaries the message's own.
    """
    inline: list[Attachment] = []
    others: list[Attachment] = []
    for one in attachments:
        (inline if _is_shown(one.content_id, html) else others).append(one)
    whole = _written(text, html, inline, seed)
    if not others:
        return whole
    return _multipart("mixed", "", [whole, *(_attached(one, b"attachment") for one in others)], f"m{seed}")


def _written(text: str, html: str, inline: Sequence[Attachment], seed: str) -> Part:
    if not html:
        return _text(text, b"plain")
    page = _text(html, b"html")
    if inline:
        page = _multipart(
            "related", '; type="text/html"', [page, *(_attached(one, b"inline") for one in inline)], f"r{seed}"
        )
    if not text:
        return page
    return _multipart("alternative", "", [_text(text, b"plain"), page], f"a{seed}")


def _is_shown(content_id: str, html: str) -> bool:
    return bool(content_id) and (f"cid:{content_id}" in html or f"cid:{quote(content_id)}" in html)


def _text(text: str, subtype: bytes) -> Part:
    """Its last line is closed, so that the boundary begins a line."""
    coded = printable(text)
    head = b"Content-Type: text/" + subtype + b"; charset=utf-8\r\n"
    if TOKEN_MARK not in coded:
        return Part((head, _QUOTED), [coded])
    pieces: Pieces = []
    for piece in coded.split(TOKEN_MARK):
        pieces += (piece, None)
    return Part((head, _QUOTED), pieces[:-1])


def _multipart(subtype: str, parameters: str, parts: Sequence[Part], seed: str) -> Part:
    """ "=_" occurs neither in quoted-printable nor in base64, and heads hold no line with two hyphens in front. The seeds
    of all levels have one length and differ, so no boundary begins like another."""
    boundary = f"=_{seed}"
    head = f'Content-Type: multipart/{subtype}{parameters};\r\n boundary="{boundary}"\r\n'.encode()
    border = f"--{boundary}\r\n".encode()
    body: Pieces = []
    for part in parts:
        body += (border, *part.head, b"\r\n", *part.body, b"\r\n")
    body.append(f"--{boundary}--\r\n".encode())
    return Part((head,), body)


def _attached(attachment: Attachment, disposition: bytes) -> Part:
    content_type = attachment.content_type if _TYPE.fullmatch(attachment.content_type) else OCTETS
    charset = b"; charset=utf-8" if content_type.startswith("text/") and _is_utf8(attachment.content) else b""
    head = [
        b"Content-Type: " + content_type.encode() + charset + b"\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: " + disposition + b";\r\n " + _filename(attachment.filename) + b"\r\n",
    ]
    if _CONTENT_ID.fullmatch(attachment.content_id):
        head.append(f"Content-ID: <{attachment.content_id}>\r\n".encode())
    return Part(tuple(head), [_base64(attachment.content)])


_QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n"
_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_CONTENT_ID = re.compile(r"[!#-;=?-~]{1,200}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$&'()+,;=@^_`{}~.-]+(?: [A-Za-z0-9!#$&'()+,;=@^_`{}~.-]+)*")
_LONGEST_PLAIN_NAME = 255
_NAME_LINE = 60  # characters of a percent-encoded name
_LINE = 76


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _filename(name: str) -> bytes:
    """The parameter. What has more than harmless ASCII in it goes the way of RFC 2231, in as many parts as it takes."""
    if len(name) <= _LONGEST_PLAIN_NAME and _PLAIN_NAME.fullmatch(name):
        return f'filename="{name}"'.encode()
    parts = [""]
    for char in name:
        # A character is not split: not every mail program puts the parts together before it decodes them.
        coded = quote_from_bytes(char.encode("utf-8", "replace"), safe="!#$&+^_`{}~")
        if len(parts[-1]) + len(coded) > _NAME_LINE:
            parts.append("")
        parts[-1] += coded
    if len(parts) == 1:
        return f"filename*=utf-8''{parts[0]}".encode()
    first = f"filename*0*=utf-8''{parts[0]}"
    return ";\r\n ".join([first, *(f"filename*{n}*={part}" for n, part in enumerate(parts[1:], 1))]).encode()


def _base64(content: bytes) -> bytes:
    coded = b2a_base64(content, newline=False)
    return b"\r\n".join([coded[at : at + _LINE] for at in range(0, len(coded), _LINE)])
