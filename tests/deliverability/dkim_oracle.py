"""dkimpy as the judge of our signatures. Its Ed25519 is lent to it: it looks for a library of its own."""

import base64
from types import SimpleNamespace

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class BadSignatureError(Exception):
    pass


class VerifyKey:
    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise BadSignatureError from None
        return message


if not hasattr(dkim, "nacl"):
    dkim.nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=BadSignatureError),
    )


def verdicts(message: bytes, records: dict[str, str]) -> list[bool]:
    """What dkimpy thinks of each signature; `records` by the names of their TXT records."""

    def lookup(name: bytes | str, timeout: int = 5) -> bytes:
        text = name.decode() if isinstance(name, bytes) else name
        return records.get(text.rstrip("."), "").encode()

    judge = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in judge.headers)
    return [_verdict(judge, index, lookup) for index in range(count)]


def _verdict(judge: dkim.DKIM, index: int, lookup: object) -> bool:
    try:
        return bool(judge.verify(index, dnsfunc=lookup))
    except dkim.DKIMException:
        return False
