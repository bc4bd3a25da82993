"""A rate shared by all workers: one token bucket per provider account, in Redis.

Redis may lose it or be away: then each worker falls back to its share of the rate, so that a limit is never exceeded
because the place where it is counted is gone.
"""

import logging
import time
from collections.abc import Callable

import redis

log = logging.getLogger(__name__)

# KEYS[1] bucket; ARGV: tokens a second, capacity, wanted. Uses the server's clock, so that workers need not agree on time.
_TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local capacity = tonumber(ARGV[2])
local tokens = tonumber(held[1]) or capacity
tokens = math.min(capacity, tokens + math.max(0, at - (tonumber(held[2]) or at)) * tonumber(ARGV[1]))
local given = math.min(tonumber(ARGV[3]), math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - given), 'at', tostring(at))
redis.call('EXPIRE', KEYS[1], 60)
return given
"""


class SharedRate:
    """Permits for one provider account. `take` blocks for a round trip to Redis, at most 0.2 s."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        key: str,
        per_second: float,
        workers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._script = client.register_script(_TAKE)
        self._key = f"rate:{key}"
        self._rate = per_second
        self._share = per_second / max(1, workers)
        # A quarter of a second's worth at once keeps the pipes full without bursts that a provider would notice.
        self.capacity = max(1.0, per_second / 4)
        self._clock = clock
        self._alone_since: float | None = None
        self._alone_tokens = 0.0

    def take(self, wanted: int) -> int:
        """Up to `wanted` permits, perhaps none just now."""
        try:
            given = int(self._script(keys=[self._key], args=[self._rate, self.capacity, wanted]))
        except redis.RedisError as error:
            return self._take_alone(wanted, error)
        self._alone_since = None
        return given

    def _take_alone(self, wanted: int, error: redis.RedisError) -> int:
        now = self._clock()
        if self._alone_since is None:
            log.warning("the shared rate limit is away, each worker keeps to its share", extra={"cause": str(error)})
            self._alone_since, self._alone_tokens = now, 0.0
        self._alone_tokens = min(
            max(1.0, self._share / 4), self._alone_tokens + (now - self._alone_since) * self._share
        )
        self._alone_since = now
        given = min(wanted, int(self._alone_tokens))
        self._alone_tokens -= given
        return given


def rate_client(url: str) -> redis.Redis:
    """A client that gives up quickly: sending must not wait for a Redis that is away."""
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
