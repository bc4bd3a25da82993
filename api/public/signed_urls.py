"""URLs whose parameters are readable and signed: the relay's tracking forms (/webhook/pixel, click, unsubscribe).

`sig` is the tenant's id (4 bytes, big-endian) and a 17-byte keyed BLAKE2b over the purpose, the tenant and
every signed parameter, as base64url: exactly 28 characters, none with idle bits. Campaigns use the shorter tokens of common.tokens.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Literal
from urllib.parse import urlencode

from api.public.links import safe_location
from common.errors import InvalidInput
from common.tokens import BadToken

Purpose = Literal["pixel", "click", "unsubscribe"]

_PERSON = b"signed url"
_MAC_BYTES = 17
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{28}").fullmatch


class UrlSigner:
    """The first secret signs; all of them are read, so that a secret can be replaced."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [blake2b(secret.encode(), digest_size=32, person=b"signed url key").digest() for secret in secrets]

    def sign(self, purpose: Purpose, tenant_id: int, fields: Mapping[str, str]) -> str:
        """The value of `sig`."""
        tenant = tenant_id.to_bytes(4, "big")
        return base64.urlsafe_b64encode(tenant + _mac(self._keys[0], purpose, tenant, fields)).decode()

    def tenant_of(self, purpose: Purpose, fields: Mapping[str, str], signature: str) -> int:
        """The tenant that signed exactly these fields for this purpose. Raises BadToken."""
        if _SIGNATURE(signature) is None:
            raise BadToken("This link is not valid.")
        raw = binascii.a2b_base64(signature.translate(_FROM_URL))
        for key in self._keys:
            if compare_digest(_mac(key, purpose, raw[:4], fields), raw[4:]):
                return int.from_bytes(raw[:4], "big")
        raise BadToken("This link is not valid.")


def pixel_url(signer: UrlSigner, *, base: str, tenant_id: int, message_id: int, position: int) -> str:
    fields = {"mid": f"msg-{message_id}", "rid": str(position)}
    return _url(base, "pixel", fields, signer.sign("pixel", tenant_id, fields))


def click_url(signer: UrlSigner, *, base: str, tenant_id: int, message_id: int, position: int, url: str) -> str:
    """Raises InvalidInput for a target that is no web page."""
    if safe_location(url) is None:
        raise InvalidInput("A tracked link must lead to an http or https address.", field="url")
    fields = {"mid": f"msg-{message_id}", "rid": str(position), "url": url}
    return _url(base, "click", fields, signer.sign("click", tenant_id, fields))


def unsubscribe_url(
    signer: UrlSigner,
    *,
    base: str,
    tenant_id: int,
    email: str,
    campaign_id: str,
    message_id: int | None = None,
    position: int | None = None,
) -> str:
    """With message and position the unsubscribe also counts for that message."""
    fields = {"email": email, "campaign_id": campaign_id}
    if message_id is not None and position is not None:
        fields |= {"mid": f"msg-{message_id}", "rid": str(position)}
    return _url(base, "unsubscribe", fields, signer.sign("unsubscribe", tenant_id, fields))


_FROM_URL = str.maketrans("-_", "+/")


def _mac(key: bytes, purpose: str, tenant: bytes, fields: Mapping[str, str]) -> bytes:
    """Every part with its length before it, so that no two sets of parameters read the same."""
    keyed = blake2b(key=key, digest_size=_MAC_BYTES, person=_PERSON)
    for part in (
        purpose.encode(),
        tenant,
        *(text.encode("utf-8", "surrogatepass") for pair in sorted(fields.items()) for text in pair),
    ):
        keyed.update(len(part).to_bytes(4, "big"))
        keyed.update(part)
    return keyed.digest()


def _url(base: str, purpose: str, fields: Mapping[str, str], signature: str) -> str:
    return f"{base}/webhook/{purpose}?{urlencode({**fields, 'sig': signature})}"
