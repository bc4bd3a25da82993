"""Wrong keys cost a bcrypt each, so an address that sent many has to wait before another one is compared.

Failures are counted for all processes together; that an address has to wait is remembered in the process that found it out,
so that a flood costs nothing but its own answers. Keys that were checked within the last minute never come here: whoever
works with one goes on, even from an address that has to wait. A right key that is not known yet has to wait there with the
wrong ones, at most a minute. No other address is concerned.
"""

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings

from api.access.memory import ShortMemory
from api.limits.allowance import Allowance
from api.limits.faults import TooManyCalls
from api.limits.taking import take
from api.limits.windows import Window

_MINUTE = 60

# When the address may try again, on the clock of this memory.
held_off: ShortMemory[float] = ShortMemory(seconds=_MINUTE, most=10_000)


def hold_off(address: str) -> None:
    """Call it before a key is compared. Raises TooManyCalls while the address has to wait."""
    until = held_off.recall(_whose(address))
    if until is not None and (wait := until - held_off.clock()) > 0:
        raise _too_many(wait)


def note_wrong_key(address: str) -> None:
    """Count a failure; after the last one that is allowed, the address waits. Raises TooManyCalls for one more, which
    another process has let through meanwhile, and Unavailable when there is nowhere to count."""
    whose = _whose(address)
    try:
        left = take([Window(f"wrong-keys:{whose}", _limit(), _MINUTE)])
    except TooManyCalls as error:
        _remember(whose, error.retry_after)
        raise _too_many(error.retry_after) from error
    if left is not None and left.remaining == 0:
        _remember(whose, left.reset_at - time.time())


def _whose(address: str) -> str:
    """Whoever has one IPv6 address has the 2^64 of its network too."""
    if not address or not isinstance(ip_address(address), IPv6Address):
        return address
    return str(ip_network((address, 64), strict=False))


def _remember(whose: str, seconds: float) -> None:
    held_off.learn(whose, held_off.clock() + min(max(seconds, 1), _MINUTE))


def _too_many(wait: float) -> TooManyCalls:
    return TooManyCalls(
        f"Too many wrong keys came from your address: the limit is {_limit()} in a minute.",
        allowance=Allowance(_limit(), 0, math.ceil(time.time() + wait)),
        retry_after=max(1, math.ceil(wait)),
        hint="Put the key right, and wait as long as Retry-After says.",
    )


def _limit() -> int:
    return settings.API_LIMIT_WRONG_KEYS
