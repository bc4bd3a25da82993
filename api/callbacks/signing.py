"""Secrets of endpoints, and the signatures made with them. No Django, no database.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SHORTEST, LONGEST = 8, 200
_PRINTABLE = re.compile(rf"[\x21-\x7e]{{{SHORTEST},{LONGEST}}}")


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_usable(secret: str) -> bool:
    """Whether this can be a secret that the customer chose: 8 to 200 printable ASCII characters without spaces."""
    return _PRINTABLE.fullmatch(secret) is not None


def key_of(secret: str) -> bytes:
    """The bytes that Standard Webhooks signs with: of `whsec_…` what its base64 stands for, of any other text itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret[len(PREFIX) :], validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def aegis_signature(secret: str, body: bytes) -> str:
    """The value of X-Aegis-Signature: the key is the secret's text as it was shown."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard_signature(used: Sequence[str], *, event: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature: one signature for each secret in use, with spaces between."""
    signed = b".".join((event.encode(), str(timestamp).encode(), body))
    digests = (hmac.new(key_of(secret), signed, hashlib.sha256).digest() for secret in used)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def headers_for(used: Sequence[str], *, event: str, timestamp: int, body: bytes, aegis: bool) -> dict[str, str]:
    """All headers of one try. `used`: the secret in use, then those that still sign; only the first can sign for Aegis,
    whose clients compare one value. `timestamp`: of the try, seconds since 1970."""
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_signature(used, event=event, timestamp=timestamp, body=body),
    }
    return headers | ({"X-Aegis-Signature": aegis_signature(used[0], body)} if aegis else {})
