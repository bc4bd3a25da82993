"""Signing keys: made, read, and the DNS record that publishes their public half."""

import base64
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from common.errors import InvalidInput

RSA = "rsa-sha256"
ED25519 = "ed25519-sha256"
SHORTEST_RSA = 1024  # bits; RFC 8301 section 3.2. Large receivers refuse what is shorter
NEW_RSA = 2048

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


def generate_key(algorithm: str) -> tuple[str, str]:
    """A new key: its private half as PEM, and the TXT record for `<selector>._domainkey.<domain>`.

    Raises InvalidInput for an algorithm other than `rsa-sha256` (2048 bits) and `ed25519-sha256`.
    """
    key: PrivateKey
    if algorithm == RSA:
        key = generate_private_key(public_exponent=65537, key_size=NEW_RSA)
    elif algorithm == ED25519:
        key = Ed25519PrivateKey.generate()
    else:
        raise InvalidInput(f"There is no DKIM algorithm {algorithm!r}.", field="algorithm")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, dns_record(key)


@lru_cache(maxsize=4096)
def load_key(pem: str) -> PrivateKey:
    """The key of a PEM text; cached, because checking an RSA key costs a hundred signatures.

    Raises InvalidInput, without a word of the key, for what is no RSA or Ed25519 key or is too short.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidInput("This is not a private key in PEM form.", field="private_key") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise InvalidInput("A DKIM key is an RSA or an Ed25519 key.", field="private_key")
    if key.key_size < SHORTEST_RSA:
        raise InvalidInput(
            f"An RSA key of {key.key_size} bits is too short for DKIM.",
            field="private_key",
            hint=f"Make one of {NEW_RSA} bits.",
        )
    return key


def algorithm_of(key: PrivateKey) -> str:
    return ED25519 if isinstance(key, Ed25519PrivateKey) else RSA


def dns_record(key: PrivateKey) -> str:
    """The public half as a TXT record (RFC 6376 section 3.6.1); over 255 characters for RSA: publish in parts."""
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"
