"""The signed name of one recipient of one message, as it stands in links, pixels and envelope senders.

24 bytes, big-endian: key id (1), tenant id (4), message id (5), position of the recipient within the
message (4), and a 10-byte keyed BLAKE2b over those 14. As base64url they are exactly 32 characters
(URLs), as hexadecimal digits 48 (mail addresses, whose local parts may lose their upper case on the way).
Nothing about a person can be read out of one.
"""

import binascii
import re
import struct
from collections.abc import Callable, Mapping
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from common.errors import NotFound

TOKEN_BYTES = 24
URL_CHARACTERS = 32
HEX_CHARACTERS = 48
SHORTEST_KEY = 16  # bytes


class BadToken(NotFound):
    """The token was not made here, was changed on the way, or its key has been retired."""

    code = "bad_token"


class RecipientToken(NamedTuple):
    tenant_id: int
    message_id: int
    position: int


class KeyRing:
    """The signing keys by id (0 to 255): all of them are read, `current` is the one that signs."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        """Raises ValueError for a key that is too short or too long, and for an id that is out of range."""
        for number, key in keys.items():
            if not 0 <= number <= 255:
                raise ValueError(f"A key id lies between 0 and 255, not {number}.")
            if not SHORTEST_KEY <= len(key) <= blake2b.MAX_KEY_SIZE:
                raise ValueError(f"A key has {SHORTEST_KEY} to {blake2b.MAX_KEY_SIZE} bytes.")
        if current not in keys:
            raise ValueError(f"There is no key {current} to sign with.")
        self._keys = dict(keys)
        self._current = current

    def mint(self, tenant_id: int, message_id: int, position: int) -> bytes:
        """The token as 32 ASCII characters for a URL."""
        return url_form(self.minter(tenant_id, message_id)(position))

    def minter(self, tenant_id: int, message_id: int) -> Callable[[int], bytes]:
        """A function from position to the raw 24 bytes: what is equal for all recipients is done once.

        Raises ValueError where a number does not fit.
        """
        head = _head(self._current, tenant_id, message_id)
        keyed = blake2b(head, key=self._keys[self._current], digest_size=_MAC_BYTES, person=_PERSON).copy
        position_of = _POSITION.pack

        def mint(position: int) -> bytes:
            place = position_of(position)
            mac = keyed()
            mac.update(place)
            return head + place + mac.digest()

        return mint

    def read(self, token: str | bytes) -> RecipientToken:
        """What a token from a URL names. Raises BadToken, whatever was given."""
        text = _ascii(token)
        if _URL_FORM.fullmatch(text) is None:
            raise BadToken("This link is not valid.")
        return self._read_raw(binascii.a2b_base64(text.translate(_FROM_URL)))

    def read_hex(self, token: str | bytes) -> RecipientToken:
        """What a token from a mail address names, in upper or lower case. Raises BadToken."""
        text = _ascii(token)
        if _HEX_FORM.fullmatch(text) is None:
            raise BadToken("This address is not valid.")
        return self._read_raw(binascii.unhexlify(text))

    def _read_raw(self, raw: bytes) -> RecipientToken:
        key = self._keys.get(raw[0])
        if key is None:
            raise BadToken("This link is not valid any more.")
        if not compare_digest(_mac(key, raw[:_SIGNED]), raw[_SIGNED:]):
            raise BadToken("This link is not valid.")
        return RecipientToken(
            int.from_bytes(raw[1:5], "big"), int.from_bytes(raw[5:10], "big"), int.from_bytes(raw[10:14], "big")
        )


def url_form(raw: bytes) -> bytes:
    """Raw token to its 32 base64url characters."""
    return binascii.b2a_base64(raw, newline=False).translate(TO_URL)


def hex_form(raw: bytes) -> bytes:
    """Raw token to its 48 hexadecimal digits."""
    return binascii.hexlify(raw)


_SIGNED = 14  # bytes that stand before the MAC
_MAC_BYTES = TOKEN_BYTES - _SIGNED
_PERSON = b"recipient token"  # keeps these MACs apart from any other use of the same key
_POSITION = struct.Struct(">I")
_URL_FORM = re.compile(rb"[A-Za-z0-9_-]{32}")
_HEX_FORM = re.compile(rb"[0-9A-Fa-f]{48}")
TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def _head(key_id: int, tenant_id: int, message_id: int) -> bytes:
    if not 0 <= tenant_id < 1 << 32 or not 0 <= message_id < 1 << 40:
        raise ValueError(f"Tenant {tenant_id} or message {message_id} does not fit into a token.")
    return bytes([key_id]) + tenant_id.to_bytes(4, "big") + message_id.to_bytes(5, "big")


def _mac(key: bytes, signed: bytes) -> bytes:
    return blake2b(signed, key=key, digest_size=_MAC_BYTES, person=_PERSON).digest()


def _ascii(token: str | bytes) -> bytes:
    if isinstance(token, bytes):
        return token
    return token.encode("ascii") if token.isascii() else b""
