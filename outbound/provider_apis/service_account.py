"""A service account's key file, and what is signed with it (https://developers.google.com/identity/protocols/oauth2/service-account)."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from common.addresses import InvalidAddress, parse_address
from common.errors import InvalidInput

LONGEST_FILE = 20_000  # characters; Google's have some 2,400
_FIELD = "service_account_json"
# A key of 4096 bits has 3,300 characters; signing with a longer one takes long.
_LONGEST_PEM = 4_000
_SMALLEST_BITS, _LARGEST_BITS = 2048, 4096
_KEY_ID = re.compile(r"[0-9A-Za-z_-]{1,200}")
# The longest that Google takes.
_SECONDS = 3600
_DOWNLOAD_AGAIN = "Make a new key of the type JSON in the Google Cloud console and send the file as it is."


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who it is, and the key it signs with."""

    email: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)

    def assertion(self, *, audience: str, scopes: tuple[str, ...], mailbox: str) -> str:
        """A signed request (RFC 7523) to act for a mailbox."""
        now = int(time.time())
        claims = {
            "iss": self.email,
            "sub": mailbox,
            "scope": " ".join(scopes),
            "aud": audience,
            "iat": now,
            "exp": now + _SECONDS,
        }
        named = {"kid": self.key_id} if self.key_id else {}
        return jwt.encode(claims, self.key, algorithm="RS256", headers=named)


def read_service_account(text: str) -> ServiceAccount:
    """Raises InvalidInput for what is not such a file; no message repeats anything of it."""
    if len(text) > LONGEST_FILE:
        raise _fault(f"A key file has {LONGEST_FILE:,} characters at most.")
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        raise _fault("This is no JSON.") from None
    if not isinstance(held, dict):
        raise _fault("This is no JSON object.")
    if held.get("type") != "service_account":
        raise _fault('This is not the key of a service account: its `type` is not "service_account".')
    return ServiceAccount(_email(held), _key_id(held), _key(held))


def _email(held: dict[str, Any]) -> str:
    given = held.get("client_email")
    try:
        return parse_address(given if isinstance(given, str) else "").text
    except InvalidAddress:
        raise _fault("`client_email` is not the address of a service account.") from None


def _key_id(held: dict[str, Any]) -> str:
    given = held.get("private_key_id", "")
    if given and not (isinstance(given, str) and _KEY_ID.fullmatch(given)):
        raise _fault("`private_key_id` is not the id of a key.")
    return given or ""


def _key(held: dict[str, Any]) -> RSAPrivateKey:
    pem = held.get("private_key")
    if not isinstance(pem, str) or not pem.strip():
        raise _fault("`private_key` is missing.")
    if len(pem) > _LONGEST_PEM:
        raise _fault(f"`private_key` has more than {_LONGEST_PEM:,} characters.")
    # Looked at before it is checked: of one prime with thousands of digits the check takes minutes, and no thread runs meanwhile.
    key = _loaded(pem, unchecked=True)
    if not isinstance(key, RSAPrivateKey) or not _SMALLEST_BITS <= key.key_size <= _LARGEST_BITS or _is_lopsided(key):
        raise _fault(f"`private_key` is not an RSA key of {_SMALLEST_BITS} to {_LARGEST_BITS} bits.")
    _loaded(pem, unchecked=False)
    return key


def _loaded(pem: str, *, unchecked: bool) -> object:
    try:
        return load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=unchecked)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _fault("`private_key` is no private key in PEM.") from None


def _is_lopsided(key: RSAPrivateKey) -> bool:
    """Whether one of its primes has more than half of its bits, give or take a few."""
    numbers = key.private_numbers()
    return max(numbers.p, numbers.q).bit_length() > key.key_size // 2 + 8


def _fault(message: str) -> InvalidInput:
    return InvalidInput(message, field=_FIELD, hint=_DOWNLOAD_AGAIN)
