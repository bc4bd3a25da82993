"""Who signs, what is signed, and the DKIM-Signature fields themselves.

Two decisions stand here. Fields that a reader sees are listed once more than they occur, so that a second
From or Subject put in front of the message breaks the signature instead of replacing what was signed.
And `l=` is never used: whatever stands after the signed length could be added by anyone.
"""

import re
from binascii import b2a_base64
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

import idna
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from common.errors import InvalidInput
from deliverability.dkim.canonical import relaxed_header
from deliverability.dkim.keys import ED25519, PrivateKey, algorithm_of, load_key

VALID_SECONDS = 7 * 86_400  # x=: long enough for any queue, short enough to make replaying dull

OVERSIGNED = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
)
SIGNED_IF_PRESENT = (
    "Message-ID",
    "Sender",
    "In-Reply-To",
    "References",
    "List-Id",
    "Content-Transfer-Encoding",
)


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """One key of one domain. The key is left out of every representation."""

    domain: str
    selector: str
    algorithm: str
    key: PrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, domain: str, selector: str, pem: str) -> Self:
        """Raises InvalidInput for a name that cannot stand in DNS and for an unusable key."""
        key = load_key(pem)
        return cls(_dns_name(domain, "domain"), _dns_name(selector, "selector"), algorithm_of(key), key)

    def sign(self, signed: bytes) -> bytes:
        """The signature over canonical header fields, base64."""
        if isinstance(self.key, Ed25519PrivateKey):
            # RFC 8463 section 3: the Ed25519 signature is made over the SHA-256 hash.
            raw = self.key.sign(sha256(signed).digest())
        else:
            raw = self.key.sign(signed, _PADDING, _HASH)
        return b2a_base64(raw, newline=False)


def signed_names(present: Sequence[str]) -> list[str]:
    """The h= list for a message with these fields: every occurrence, and the oversigned ones once more."""
    count = Counter(name.lower() for name in present)
    names = [name for name in OVERSIGNED for _ in range(count[name.lower()] + 1)]
    return names + [name for name in SIGNED_IF_PRESENT for _ in range(count[name.lower()])]


class Signing:
    """Signs messages that have the same fields in the same order, RSA before Ed25519.

    Everything but the time and the two hashes is put together beforehand.
    """

    def __init__(self, signers: Sequence[DkimSigner], names: Sequence[str]) -> None:
        # A receiver that knows only RSA looks at the first signature; some look no further.
        self._signers = sorted(signers, key=lambda signer: signer.algorithm == ED25519)
        self._h = _folded_names(names)
        self._made: tuple[int, list[_Head]] = (-1, [])

    def __call__(self, canonical: bytes, body_hash: bytes, now: int) -> bytes:
        """The DKIM-Signature fields, complete.

        `canonical` holds the relaxed fields in the order of the names, `body_hash` is base64, `now` is in
        epoch seconds.
        """
        second, heads = self._made
        if second != now:
            heads = [self._head(signer, now) for signer in self._signers]
            self._made = now, heads
        fields = b""
        for sign, wire, prefix in heads:
            value = sign(canonical + prefix + body_hash + b"; b=")
            folded = b"\r\n ".join([value[at : at + 72] for at in range(0, len(value), 72)])
            fields += wire + body_hash + b";\r\n b=" + folded + b"\r\n"
        return fields

    def _head(self, signer: DkimSigner, now: int) -> "_Head":
        value = (
            f"v=1; a={signer.algorithm}; c=relaxed/relaxed;\r\n d={signer.domain}; s={signer.selector};\r\n"
            f" t={now}; x={now + VALID_SECONDS};\r\n h={self._h};\r\n bh="
        ).encode()
        canonical = relaxed_header(b"DKIM-Signature", value).removesuffix(b"\r\n")
        return signer.sign, b"DKIM-Signature: " + value, canonical


_Head = tuple[Callable[[bytes], bytes], bytes, bytes]
_PADDING = PKCS1v15()
_HASH = SHA256()
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _folded_names(names: Sequence[str]) -> str:
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) > 70:
            lines.append(line)
            line = ""
        line += name.lower() + ":"
    return "\r\n ".join([*lines, line]).removesuffix(":")


def _dns_name(text: str, what: str) -> str:
    try:
        name = idna.encode(text.strip().rstrip(".").lower(), uts46=True).decode() if not text.isascii() else text
    except idna.IDNAError:
        name = ""
    name = name.strip().rstrip(".").lower()
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidInput(f"{text!r} cannot be used as a DKIM {what}.", field=what)
    return name
