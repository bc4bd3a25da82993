"""Exact sliding windows in Redis: one script looks at all windows and counts in all of them or in none."""

from collections.abc import Sequence
from functools import lru_cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.limits.windows import Standing, StoreAway, Verdict, Window

_MICRO = 1_000_000

# A window is a sorted set with one member for each call: score = when (microseconds of the server's clock), member =
# "<everything counted up to and with this call>:<what this call counted>". What is in the window is therefore the newest
# total less what stood before the oldest member, however much a call counts. Scores rise strictly, even when the clock
# is put back, so that the order of members is the order of calls.
# ARGV: amount, then for each key: limit, window in microseconds.
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
  local limit, span = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local at, total, used = now, 0, 0
  local newest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if newest[1] then
    total = read(newest[1])
    at = math.max(now, tonumber(newest[2]) + 1)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', number(at - span))
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
  entries[i] = {at, number(total + amount) .. ':' .. number(amount), math.ceil((at - now + span) / 1000) + 1000}
end
if not refused then
  for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, number(entries[i][1]), entries[i][2])
    redis.call('PEXPIRE', key, entries[i][3])
    answer[i][1] = answer[i][1] + amount
  end
end
return {refused and 0 or 1, now, answer}
"""


class SlidingWindows:
    """Windows of a Redis server. A call costs one round trip, and some 100 bytes until it leaves its windows."""

    def __init__(self, client: redis.Redis) -> None:
        self._script = client.register_script(_COUNT)

    def count(self, windows: Sequence[Window], amount: int) -> Verdict:
        """Raises StoreAway."""
        keys = [f"limit:{window.seconds}:{window.name}" for window in windows]
        arguments = [amount]
        for window in windows:
            arguments += [window.limit, window.seconds * _MICRO]
        try:
            allowed, now, found = self._script(keys=keys, args=arguments)
        except redis.RedisError as error:
            raise StoreAway(str(error)) from error
        standings = (
            Standing(window, used, free / _MICRO, blocked / _MICRO)
            for window, (used, free, blocked) in zip(windows, found, strict=True)
        )
        return Verdict(bool(allowed), now / _MICRO, tuple(standings))


@lru_cache(maxsize=4)
def limits_client(url: str) -> redis.Redis:
    """A client that gives up quickly: a request must not wait for a Redis that is away."""
    # Once again only when a kept connection turns out to be dead; an answer that is late is not asked for twice.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=retry)
