"""DKIM signing: RFC 6376 with the algorithms of RFC 8301 and RFC 8463. Knows no Django."""

from deliverability.dkim.canonical import relaxed_body
from deliverability.dkim.keys import ED25519, RSA, generate_key, load_key
from deliverability.dkim.message import sign_message
from deliverability.dkim.signer import DkimSigner, Signing, signed_names

__all__ = [
    "ED25519",
    "RSA",
    "DkimSigner",
    "Signing",
    "generate_key",
    "load_key",
    "relaxed_body",
    "sign_message",
    "signed_names",
]
