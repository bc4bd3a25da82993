"""The `relaxed` canonicalisation of RFC 6376 section 3.4, in linear time."""

import re


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """One field as it is hashed; `value` is all that follows the colon, folds included (section 3.4.2)."""
    unfolded = _BLANKS.sub(b" ", value.replace(b"\r\n", b""))
    return name.strip(b" \t").lower() + b":" + unfolded.strip(b" ") + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """A body with CRLF line ends as it is hashed (section 3.4.4). An empty one stays empty."""
    if b"\t" in body or b"  " in body or b" \r\n" in body or body.endswith(b" "):
        # Collapsing first: a pattern for blanks before a line end takes quadratic time on a run of blanks.
        body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n"):
        return b"" if body == b"\r\n" else body
    text = body.rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


_BLANKS = re.compile(rb"[ \t]+")
