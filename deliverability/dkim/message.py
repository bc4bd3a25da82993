"""Signing of a finished message, whatever made it."""

from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256

from common.errors import InvalidInput
from deliverability.dkim.canonical import relaxed_body, relaxed_header
from deliverability.dkim.signer import DkimSigner, Signing, signed_names


def sign_message(raw: bytes, signers: Sequence[DkimSigner], *, now: int) -> bytes:
    """`raw` with one DKIM-Signature field per signer in front; `now` is in epoch seconds.

    Raises InvalidInput when a line does not end in CRLF or when there is no usable From field: a
    signature over such bytes would not survive the next server.
    """
    if not signers:
        return raw
    if raw.count(b"\r") != raw.count(b"\r\n") or raw.count(b"\n") != raw.count(b"\r\n"):
        raise InvalidInput("A message to be signed must have CRLF line ends only.")
    head, _, body = (b"\r\n" + raw).partition(b"\r\n\r\n")
    fields = _fields(head.removeprefix(b"\r\n"))
    if sum(name.lower() == "from" for name, _ in fields) != 1:
        raise InvalidInput("A message to be signed must have exactly one From field.", field="from")
    names = signed_names([name for name, _ in fields])
    body_hash = b2a_base64(sha256(relaxed_body(body)).digest(), newline=False)
    return Signing(signers, names)(_selected(fields, names), body_hash, now) + raw


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    fields: list[tuple[str, list[bytes]]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            if not fields:
                raise InvalidInput("The message begins with a continuation line.")
            fields[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise InvalidInput("The message has a header line without a colon.")
        fields.append((name.strip(b" \t").decode("latin-1"), [value]))
    return [(name, b"\r\n".join(lines)) for name, lines in fields]


def _selected(fields: list[tuple[str, bytes]], names: list[str]) -> bytes:
    """The fields of the h= list; of several with one name the last is taken first (RFC 6376 section 5.4.2)."""
    waiting: dict[str, list[bytes]] = {}
    for name, value in fields:
        waiting.setdefault(name.lower(), []).append(relaxed_header(name.encode("latin-1"), value))
    chosen = []
    for name in names:
        left = waiting.get(name.lower())
        if left:
            chosen.append(left.pop())
    return b"".join(chosen)
