"""Files of a message: `{"filename", "content_type", "content"}`, the content in base64."""

import base64
import binascii
from typing import Any

from common.errors import InvalidInput
from outbound.submission.checks import LARGEST_MESSAGE, MOST_ATTACHMENTS
from outbound.submission.faults import MissingField, TooLarge
from outbound.submission.types import Attachment

_BLANKS = str.maketrans("", "", " \t\r\n")


def read_attachments(given: object) -> tuple[Attachment, ...]:
    """Raises InvalidInput, MissingField and TooLarge with the place in the list."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidInput("This must be a list.", field="attachments")
    if len(given) > MOST_ATTACHMENTS:
        raise InvalidInput(f"A message has at most {MOST_ATTACHMENTS} attachments.", field="attachments")
    return tuple(_attachment(one, f"attachments[{index}]") for index, one in enumerate(given))


def _attachment(given: Any, field: str) -> Attachment:
    if not isinstance(given, dict):
        raise InvalidInput('This must be an object with "filename" and "content".', field=field)
    for name in ("filename", "content", "content_type", "content_id"):
        if given.get(name) is not None and not isinstance(given[name], str):
            raise InvalidInput("This must be text.", field=f"{field}.{name}")
    if not given.get("filename"):
        raise MissingField("An attachment has a name.", field=f"{field}.filename")
    if given.get("content") is None:
        raise MissingField("An attachment has a content.", field=f"{field}.content")
    return Attachment(
        filename=given["filename"],
        content=_decoded(given["content"], f"{field}.content"),
        content_type=given.get("content_type") or "",
        content_id=given.get("content_id") or "",
    )


def _decoded(text: str, field: str) -> bytes:
    """Lines are as long as the caller likes (RFC 2045, section 6.8)."""
    if len(text) > 2 * LARGEST_MESSAGE:
        raise TooLarge(f"A message has at most {LARGEST_MESSAGE} bytes.", field=field)
    try:
        return base64.b64decode(text.translate(_BLANKS), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("The content must be base64 (RFC 4648, section 4).", field=field) from None
