"""From a key, or the id of one, to the caller it stands for; each is looked up at most once a minute in a process."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.utils import timezone

from api.access.caller import Caller
from api.access.memory import ShortMemory
from tenants.models import ApiKey
from tenants.services.environment_keys import is_environment_key, make_environment_keys
from tenants.services.keys import SCOPES, digest_of, is_key, prefix_of, touch


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key that was good when it was looked up, and what can be checked of it without looking again."""

    caller: Caller
    expires_at: datetime | None
    networks: tuple[IPv4Network | IPv6Network, ...]

    def admits(self, address: str) -> bool:
        """Whether it may be used now and from there."""
        if self.expires_at and self.expires_at <= timezone.now():
            return False
        return not self.networks or (bool(address) and any(ip_address(address) in network for network in self.networks))


# A key that was revoked, and a tenant that was closed, are known everywhere within this time.
remembered: ShortMemory[KeyState] = ShortMemory(seconds=60, most=10_000)


def known_state(readable: str) -> KeyState | None:
    """The state of a key that was checked within the last minute, for the price of a hash."""
    return remembered.recall(digest_of(readable))


def state_of_key(readable: str) -> KeyState | None:
    """The state of this key, or None for one that opens nothing. An unknown prefix costs the same as a wrong secret."""
    digest = digest_of(readable)
    if state := remembered.recall(digest):
        return state
    prefix = prefix_of(readable)
    key = _find(prefix=prefix)
    if key is None and is_environment_key(readable):
        make_environment_keys()
        key = _find(prefix=prefix)
    if not is_key(readable, key.hash if key else None) or key is None:
        return None
    return _learn(digest, key)


def state_of_key_id(key_id: int) -> KeyState | None:
    """The same for a key whose holder has proved it already, by a token."""
    return remembered.recall(key_id) or _learn(key_id, _find(pk=key_id))


def forget_keys() -> None:
    """After a key was revoked or replaced: this process asks anew at once, the others within the minute."""
    remembered.forget()


def _find(**named: object) -> ApiKey | None:
    return ApiKey.objects.select_related("tenant", "tenant__plan").filter(**named).first()


def _learn(name: bytes | int, key: ApiKey | None) -> KeyState | None:
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= timezone.now()):
        return None
    # An admin key acts for others too, so it outlives the tenant that it was made with.
    if not key.is_admin and not key.tenant.is_active:
        return None
    touch(key)
    caller = Caller(
        tenant=key.tenant,
        name=key.name,
        scopes=frozenset(SCOPES if key.is_admin else key.scopes),
        is_admin=key.is_admin,
        key_id=key.pk,
        daily_limit=key.daily_limit,
    )
    state = KeyState(caller, key.expires_at, tuple(ip_network(one) for one in key.allowed_addresses))
    remembered.learn(name, state)
    return state
