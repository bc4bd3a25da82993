"""Exact sliding windows in Redis: one script looks at all windows and counts in all of them or in none."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.limits.windows import Standing, StoreAway, Verdict, Window

_MICRO = 1_000_000

# A window is a sorted set with one member for each call: score = when (microseconds of the server's clock), member =
# "<everything counted up to and with this call>:<what this call counted>". What is in the window is therefore the newest
# total less what stood before the oldest member, however much a call counts. Scores rise strictly, even when the clock
# is put back, so that the order of members is the order of calls.
# With a grain above 0, calls within one grain share a member, whose score is the end of that grain: a window of a million
# calls takes a thousand members, and a call leaves it late by at most a grain, never early.
# ARGV: amount, then for each key: limit, window in microseconds, grain in microseconds.
_COUNT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local amount = tonumber(ARGV[1])
local function number(value) return string.format('%.0f', value) end
local function read(member)
  local total, own = string.match(member, '^(%d+):(%d+)$')
  return tonumber(total), tonumber(own)
end
local answer, entries, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local limit, span, grain = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local moment, at, total, used, joined, shared = now, now + grain, 0, 0, 0, false
  local newest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if newest[1] then
    local own, latest = nil, tonumber(newest[2])
    total, own = read(newest[1])
    if now <= latest and now > latest - grain then
      at, joined, shared = latest, own, newest[1]
    else
      moment = math.max(now, latest + 1)
      at = moment + grain
    end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', number(moment - span))
  end
  local free, before, blocked = at + span, total, 0
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if oldest[1] then
    local first, own = read(oldest[1])
    before, free = first - own, tonumber(oldest[2]) + span
    used = total - before
  end
  if used + amount > limit then
    refused, blocked = true, at + span
    if amount <= limit then
      local low, high = 0, redis.call('ZCARD', key) - 1
      while low < high do
        local middle = math.floor((low + high) / 2)
        if read(redis.call('ZRANGE', key, middle, middle)[1]) - before >= used + amount - limit then
          high = middle
        else
          low = middle + 1
        end
      end
      blocked = tonumber(redis.call('ZRANGE', key, low, low, 'WITHSCORES')[2]) + span
    end
  end
  answer[i] = {used, free, blocked}
  local member = number(total + amount) .. ':' .. number(joined + amount)
  entries[i] = {at, member, math.ceil((at - now + span) / 1000) + 1000, shared}
end
if not refused then
  for i, key in ipairs(KEYS) do
    if entries[i][4] then
      redis.call('ZREM', key, entries[i][4])
    end
    redis.call('ZADD', key, number(entries[i][1]), entries[i][2])
    redis.call('PEXPIRE', key, entries[i][3])
    answer[i][1] = answer[i][1] + amount
  end
end
return {refused and 0 or 1, now, answer}
"""

# Windows of more calls than this are counted by the grain; a thousand of them make the window.
_COUNTED_ONE_BY_ONE = 5_000
_GRAINS = 1_000
# Of an event loop, and how long a call waits for its turn on one of them.
_CONNECTIONS = 16
_TURN_SECONDS = 2


class SlidingWindows:
    """Windows of a Redis server. A call costs one round trip, and some 100 bytes until it leaves its windows."""

    def __init__(self, client: redis.Redis) -> None:
        self._script = client.register_script(_COUNT)

    def count(self, windows: Sequence[Window], amount: int) -> Verdict:
        """Raises StoreAway."""
        try:
            answer = self._script(**_asked(windows, amount))
        except redis.RedisError as error:
            raise StoreAway(str(error)) from error
        return _verdict(windows, answer)


class AsyncSlidingWindows:
    """The same windows, counted by the same script, for an event loop."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self._script = client.register_script(_COUNT)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def count(self, windows: Sequence[Window], amount: int) -> Verdict:
        """Raises StoreAway."""
        try:
            answer = await self._script(**_asked(windows, amount))
        except redis.RedisError as error:
            raise StoreAway(str(error)) from error
        return _verdict(windows, answer)


@lru_cache(maxsize=4)
def limits_client(url: str) -> redis.Redis:
    """A client that gives up quickly: a request must not wait for a Redis that is away."""
    # Once again only when a kept connection turns out to be dead; an answer that is late is not asked for twice.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=retry)


def async_limits_client(url: str) -> AsyncRedis:
    """The same for the event loop that runs; it belongs to that loop. However many calls come at once, they share a few
    connections."""
    retry = AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_TURN_SECONDS,
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=retry,
    )
    return AsyncRedis.from_pool(pool)


def _asked(windows: Sequence[Window], amount: int) -> dict[str, Any]:
    arguments = [amount]
    for window in windows:
        span = window.seconds * _MICRO
        arguments += [window.limit, span, span // _GRAINS if window.limit > _COUNTED_ONE_BY_ONE else 0]
    return {"keys": [f"limit:{window.seconds}:{window.name}" for window in windows], "args": arguments}


def _verdict(windows: Sequence[Window], answer: Any) -> Verdict:
    allowed, now, found = answer
    standings = (
        Standing(window, used, free / _MICRO, blocked / _MICRO)
        for window, (used, free, blocked) in zip(windows, found, strict=True)
    )
    return Verdict(bool(allowed), now / _MICRO, tuple(standings))
