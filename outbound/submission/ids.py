"""The names that outsiders know messages by: unguessable, and they lead to tenant and message without a search.

One AES block: tenant id (4 bytes), message id (6), six zeros that prove it was made here; as base32 in lower case these
are 26 characters. Two spellings of one id are read: `msg_…` and `msg-…`.
"""

import base64
import binascii
from hashlib import blake2b
from threading import local
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

from common.errors import NotFound

LENGTH = 26
PREFIXES = ("msg_", "msg-")
_PROOF = bytes(6)


class UnknownMessage(NotFound):
    """There is no such message, or not for this tenant."""

    code = "message_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such message.")


class MessageName(NamedTuple):
    tenant_id: int
    message_id: int


def public_id(tenant_id: int, message_id: int) -> str:
    """The 26 characters, without a prefix."""
    block = tenant_id.to_bytes(4, "big") + message_id.to_bytes(6, "big") + _PROOF
    return base64.b32encode(_mine().encryptor.update(block))[:LENGTH].decode().lower()


def read_public_id(text: str) -> MessageName:
    """What an id names, with or without a prefix. Raises UnknownMessage for what was not made here."""
    bare = text[4:] if text[:4].lower() in PREFIXES else text
    if len(bare) != LENGTH or not bare.isascii():
        raise UnknownMessage
    try:
        block = base64.b32decode(bare.upper() + "======")
    except binascii.Error:
        raise UnknownMessage from None
    plain = _mine().decryptor.update(block)
    name = MessageName(int.from_bytes(plain[:4], "big"), int.from_bytes(plain[4:10], "big"))
    # The last character has two bits that say nothing: only one of its four spellings is the id.
    if plain[10:] != _PROOF or public_id(*name) != bare.lower():
        raise UnknownMessage
    return name


class _Ciphers:
    """Both directions under one secret. ECB is what one single block is: every id is another block, and none ever comes twice."""

    def __init__(self, secret: str) -> None:
        key = blake2b(secret.encode(), digest_size=32, person=b"message ids").digest()
        cipher = Cipher(algorithms.AES(key), modes.ECB())
        self.secret, self.encryptor, self.decryptor = secret, cipher.encryptor(), cipher.decryptor()


# Making one costs as much as all the rest, and they are not to be shared by threads.
_of_thread = local()


def _mine() -> _Ciphers:
    held: _Ciphers | None = getattr(_of_thread, "ciphers", None)
    if held is None or held.secret != settings.SECRET_KEY:
        held = _of_thread.ciphers = _Ciphers(settings.SECRET_KEY)
    return held
