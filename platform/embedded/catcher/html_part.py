"""An HTML part, made ready for a frame that runs nothing.

The safety is in the frame and in the policy the part is served with, not in changes to its text.
"""

import base64
import re

from embedded.catcher import limits
from embedded.catcher.mime import ParsedMail

_HEAD = re.compile(r"<head(?:\s[^<>]*+)?>", re.IGNORECASE)
_CID = re.compile(r"\bcid:([^\s\"'<>()]{1,200})", re.IGNORECASE)
# A link opens a tab of its own instead of replacing the mail in its frame.
_BASE = '<base target="_blank">'


def framed(mail: ParsedMail) -> str:
    """With the pictures that came along put in their places."""
    text = _with_pictures(mail)
    head = _HEAD.search(text)
    if head is None:
        return f"<!doctype html>{_BASE}{text}"
    return f"{text[: head.end()]}{_BASE}{text[head.end() :]}"


def policy(*, remote_pictures: bool) -> str:
    """The Content-Security-Policy: no scripts, forms or fonts; pictures of other servers only if asked for."""
    pictures = "data: http: https:" if remote_pictures else "data:"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )


def _with_pictures(mail: ParsedMail) -> str:
    left = limits.INLINE_PICTURE_BYTES

    def picture(found: re.Match[str]) -> str:
        nonlocal left
        part = mail.pictures.get(found[1])
        if part is None or len(part.encoded) > left:
            return found[0]
        left -= len(part.encoded)
        return f"data:{part.kind};base64,{base64.b64encode(part.content()).decode()}"

    return _CID.sub(picture, mail.html or "")
