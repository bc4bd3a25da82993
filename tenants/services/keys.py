"""API keys: made once, shown once, kept as a hash; found by a public prefix, replaced without a gap."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network

import bcrypt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.errors import Conflict, InvalidInput
from tenants.models import ApiKey, Tenant

SCOPES = ("send", "read", "contacts", "campaigns", "stats", "webhooks", "domains", "admin")
LONGEST_GRACE_SECONDS = 7 * 24 * 3600
MOST_NETWORKS = 50

_OURS = re.compile(r"ls_([0-9a-f]{12})_[A-Za-z0-9_-]{43}\Z")
_BCRYPT_READS = 72
# A salt with a digest that no key has.
_HASH_OF_NO_KEY = bcrypt.gensalt(rounds=settings.KEY_HASH_ROUNDS).decode() + "." * 31


def create_api_key(
    *,
    tenant: Tenant,
    name: str,
    daily_limit: int | None = None,
    scopes: Sequence[str] | None = None,
    is_admin: bool = False,
    expires_at: datetime | None = None,
    allowed_addresses: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Make a key and return it with its only readable copy: `ls_<prefix>_<secret>`.

    Scopes left out (None) mean all of them but admin; none at all is refused. `allowed_addresses` are addresses or
    networks (CIDR). Raises InvalidInput.
    """
    if not name.strip():
        raise InvalidInput("A key needs a name, so that it can be told apart later.", field="name")
    if daily_limit is not None and daily_limit < 1:
        raise InvalidInput("The daily limit must be 1 or more.", field="limit")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput("The key would have expired already.", field="expires_at")
    prefix, readable = _fresh()
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name.strip(),
        prefix=prefix,
        hash=hash_of(readable),
        scopes=_checked_scopes(scopes),
        is_admin=is_admin,
        daily_limit=daily_limit,
        expires_at=expires_at,
        allowed_addresses=_checked_networks(allowed_addresses),
    )
    return key, readable


def rotate_api_key(*, key: ApiKey, grace_seconds: int = 0) -> tuple[ApiKey, str]:
    """Make a key with the same rights in place of `key`, which works for `grace_seconds` (7 days at most) more.

    Returns the new key and its only readable copy. Raises InvalidInput, and Conflict for a key that works no more or
    was replaced before.
    """
    if not 0 <= grace_seconds <= LONGEST_GRACE_SECONDS:
        raise InvalidInput("The old key may work for 0 to 604800 seconds more.", field="grace_seconds")
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=key.pk)
        now = timezone.now()
        if old.replaced_by_id or old.revoked_at or (old.expires_at and old.expires_at <= now):
            raise Conflict("This key works no more, or has been replaced already.", hint="Make a new one.")
        prefix, readable = _fresh()
        new = ApiKey.objects.create(
            tenant=old.tenant,
            name=old.name,
            prefix=prefix,
            hash=hash_of(readable),
            scopes=old.scopes,
            is_admin=old.is_admin,
            daily_limit=old.daily_limit,
            expires_at=old.expires_at,
            allowed_addresses=old.allowed_addresses,
        )
        old.replaced_by = new
        if grace_seconds:
            ends_at = now + timedelta(seconds=grace_seconds)
            old.expires_at = min(ends_at, old.expires_at) if old.expires_at else ends_at
        else:
            old.revoked_at = now
        old.save(update_fields=["replaced_by", "expires_at", "revoked_at"])
    return new, readable


def prefix_of(readable: str) -> str:
    """The public prefix under which a key is found.

    A key that was not made here (see `tenants.services.environment_keys`) shows none: its prefix is 16 hexadecimal
    digits of a keyed BLAKE2b, so it is found without a scan, and the database tells nothing about it.
    """
    ours = _OURS.match(readable)
    return ours[1] if ours else _keyed(readable, b"key-prefix").hex()[:16]


def hash_of(readable: str) -> str:
    """What is stored of a key."""
    return bcrypt.hashpw(_as_bcrypt_reads(readable), bcrypt.gensalt(rounds=settings.KEY_HASH_ROUNDS)).decode()


def is_key(readable: str, hashed: str | None) -> bool:
    """Whether this is the key with that hash. Without a hash it takes as long, and the answer is no."""
    try:
        same = bcrypt.checkpw(_as_bcrypt_reads(readable), (hashed or _HASH_OF_NO_KEY).encode())
    except ValueError:
        return False
    return same and hashed is not None


def digest_of(readable: str) -> bytes:
    """32 bytes by which a process remembers a key without holding it."""
    return _keyed(readable, b"key-memory")


def touch(key: ApiKey) -> None:
    """Note that the key is in use, to the minute; of several processes one writes it."""
    minute = timezone.now().replace(second=0, microsecond=0)
    if key.last_used_at is None or key.last_used_at < minute:
        ApiKey.objects.filter(pk=key.pk).exclude(last_used_at__gte=minute).update(last_used_at=minute)


def _fresh() -> tuple[str, str]:
    prefix = secrets.token_hex(6)
    # 32 random bytes: bcrypt reads 72 bytes at most, and this text has 59.
    return prefix, f"ls_{prefix}_{secrets.token_urlsafe(32)}"


def _checked_scopes(scopes: Sequence[str] | None) -> list[str]:
    if scopes is None:
        return [scope for scope in SCOPES if scope != "admin"]
    chosen = list(dict.fromkeys(scopes))
    if not chosen:
        raise InvalidInput("A key without a scope may do nothing.", field="scope", hint=f"Scopes: {', '.join(SCOPES)}.")
    for scope in chosen:
        if scope not in SCOPES:
            raise InvalidInput(f"There is no scope {scope!r}.", field="scope", hint=f"Scopes: {', '.join(SCOPES)}.")
    return chosen


def _checked_networks(given: Sequence[str]) -> list[str]:
    if len(given) > MOST_NETWORKS:
        raise InvalidInput(f"A key may have up to {MOST_NETWORKS} networks.", field="allowed_addresses")
    try:
        return list(dict.fromkeys(str(ip_network(one.strip())) for one in given))
    except ValueError as error:
        raise InvalidInput(
            f"This is no address or network: {error}.",
            field="allowed_addresses",
            hint="Write 192.0.2.0/24 or 2001:db8::/32.",
        ) from error


def _as_bcrypt_reads(readable: str) -> bytes:
    """bcrypt refuses more than 72 bytes: a longer key is shortened to a digest, so that all of it counts."""
    plain = readable.encode()
    return plain if len(plain) <= _BCRYPT_READS else base64.b64encode(hashlib.blake2b(plain, digest_size=32).digest())


def _keyed(readable: str, person: bytes) -> bytes:
    secret = hashlib.blake2b(settings.SECRET_KEY.encode()).digest()
    return hashlib.blake2b(readable.encode(), digest_size=32, key=secret, person=person).digest()
