"""Attachments as they come in: decoded from JSON's base64, given a harmless name and a type that is true."""

import binascii
import re
from dataclasses import replace

from common.errors import InvalidInput
from outbound.mime.file_types import PROGRAMS
from outbound.mime.filenames import safe_filename
from outbound.mime.sniffing import is_program, told_type
from outbound.submission.faults import TooLarge
from outbound.submission.types import Attachment

LONGEST_TYPE = 127  # characters, as RFC 6838 section 4.2 allows for either half


def checked_attachment(attachment: Attachment, *, field: str) -> Attachment:
    """The attachment as it is stored and sent: a safe name, its true type, a bare content id.

    Archives are not opened. Raises InvalidInput with `field` and what of it is wrong behind a dot: a name that is none
    or a program's, content that is a program, a type that is none or has parameters, a content id with odd characters.
    """
    name = safe_filename(attachment.filename, field=f"{field}.filename")
    declared = _declared(attachment.content_type, f"{field}.content_type")
    if is_program(attachment.content) or PROGRAMS.fullmatch(declared):
        raise InvalidInput(
            "This file is a program: mailboxes refuse those.",
            field=f"{field}.content",
            hint="Put the file where it can be downloaded and send a link.",
        )
    return replace(
        attachment,
        filename=name,
        content_type=told_type(declared, name, attachment.content),
        content_id=_content_id(attachment.content_id, f"{field}.content_id"),
    )


def decoded_base64(text: str, *, field: str, at_most: int) -> bytes:
    """The bytes of a base64 text (RFC 4648 section 4).

    White space, missing padding and a `data:` URL's head are tolerated. Raises TooLarge before anything is decoded when
    there would be more than `at_most` bytes, and InvalidInput for anything else than base64.
    """
    start = _data_start(text, field)
    blanks = sum(text.count(blank, start) for blank in _BLANKS)
    # Four characters are three bytes; up to two of padding stand for nothing.
    if (len(text) - start - blanks - 2) // 4 * 3 > at_most:
        raise _too_large(field, at_most)
    try:
        letters = text[start:].encode("ascii")
        if blanks:
            letters = letters.translate(None, _BLANKS.encode())
        bare = letters.rstrip(b"=")
        padding = -len(bare) % 4
        if len(letters) - len(bare) > padding:
            raise binascii.Error
        content = binascii.a2b_base64(bare + b"=" * padding, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidInput("This is not base64.", field=field) from None
    if len(content) > at_most:
        raise _too_large(field, at_most)
    return content


_BLANKS = " \t\r\n\v\f"
_DATA = re.compile(r"\s{0,100}data:([^,]{0,300}),", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
# What RFC 5322 section 3.6.4 allows on both sides of the @, which few writers of HTML know to put in.
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}")


def _data_start(text: str, field: str) -> int:
    """Where the base64 begins."""
    if text[:200].lstrip()[:5].lower() != "data:":
        return 0
    head = _DATA.match(text)
    if head is None or not head[1].lower().endswith(";base64"):
        raise InvalidInput("A data: URL must be in base64.", field=field)
    return head.end()


def _too_large(field: str, at_most: int) -> TooLarge:
    return TooLarge(f"This has more than {at_most:,} bytes.", field=field)


def _declared(content_type: str, field: str) -> str:
    declared = content_type.lower()
    if declared and (len(declared) > LONGEST_TYPE or _TYPE.fullmatch(declared) is None):
        raise InvalidInput(
            "This is not a media type.", field=field, hint="Write it like image/png, with nothing behind it."
        )
    return declared


def _content_id(content_id: str, field: str) -> str:
    bare = content_id.strip().removeprefix("<").removesuffix(">").removeprefix("cid:")
    if bare and _CONTENT_ID.fullmatch(bare) is None:
        raise InvalidInput("A content id has up to 200 ASCII letters, digits, dots, hyphens or an @.", field=field)
    return bare
