"""Secrets at rest: provider passwords and private keys are stored encrypted.

Fernet (AES-128-CBC with HMAC-SHA-256) under a key derived from the installation's secret, so a copy of
the database alone tells nothing. https://cryptography.io/en/latest/fernet/
"""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken

from common.errors import Refused


@lru_cache(maxsize=4)
def _cipher(installation_secret: str) -> Fernet:
    digest = hashlib.blake2b(installation_secret.encode(), digest_size=32, person=b"secrets-at-rest").digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(plain: str, installation_secret: str) -> str:
    """Encrypt for storage; the empty text stays empty."""
    return _cipher(installation_secret).encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str, installation_secret: str) -> str:
    """Decrypt what `seal` made. Raises Refused when the installation's secret is another one."""
    if not sealed:
        return ""
    try:
        return _cipher(installation_secret).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Refused(
            "A stored secret cannot be decrypted.",
            hint="SECRET_KEY is not the one it was stored with: restore the old key, or enter the secret again.",
        ) from error
