"""Values that may be lost, kept in Redis for a while: figures that take long to count.

While Redis is away nothing is found and nothing is kept; whoever asks counts again.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from common import environment

log = logging.getLogger(__name__)

CACHE_TTL_1_MINUTE = 60
CACHE_TTL_5_MINUTES = 300
CACHE_TTL_15_MINUTES = 900
CACHE_TTL_1_HOUR = 3_600
CACHE_TTL_1_DAY = 86_400

_PREFIX = "cache:"
_LOCK = "#lock"
_BATCH = 500
_LOCK_SECONDS = 15
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.02
_LOG_SECONDS = 60.0
# What a pattern begins with must be whole: `tenant:1*` would reach tenant 10.
_WHOLE_BEGINNING = re.compile(r"^(?:tenant:\d+:|(?!tenant:|\*)[^*]+:)")

_INCREMENT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if tonumber(ARGV[2]) > 0 and redis.call('PTTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
"""
# Only whoever still holds the lock may keep what it made: it was let go if the value was deleted meanwhile.
_KEEP = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
# The value, or whether this caller is the one who makes it.
_GET_OR_LOCK = """
local kept = redis.call('GET', KEYS[1])
if kept then return {0, kept} end
return {redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) and 1 or 0}
"""
_LET_GO = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class CacheHealth:
    """Whether Redis answers, and how long one round trip took (seconds)."""

    is_up: bool
    round_trip: float | None = None


class Cache:
    """JSON values under keys. No method raises because Redis is away; `failures` counts how often it was."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._increment = client.register_script(_INCREMENT)
        self._keep = client.register_script(_KEEP)
        self._get_or_lock = client.register_script(_GET_OR_LOCK)
        self._let_go = client.register_script(_LET_GO)
        self._log_again_at = 0.0
        self.failures = 0

    def get(self, key: str) -> Any:
        """The value; None when there is none."""
        kept = self._tried(lambda: self._client.get(_PREFIX + key))
        return None if kept is None else json.loads(kept)

    def set(self, key: str, value: Any, ttl: int = CACHE_TTL_5_MINUTES) -> bool:
        """Keep it for `ttl` seconds. False when Redis is away. Raises TypeError for what is not JSON."""
        text = _json(value)
        return bool(self._tried(lambda: self._client.set(_PREFIX + key, text, ex=ttl)))

    def delete(self, *keys: str) -> int:
        """How many there were."""
        if not keys:
            return 0
        locks = [_PREFIX + key + _LOCK for key in keys]
        self._tried(lambda: self._client.unlink(*locks))
        return int(self._tried(lambda: self._client.unlink(*(_PREFIX + key for key in keys))) or 0)

    def delete_pattern(self, pattern: str) -> int:
        """Delete all keys that match, `*` for any text: `tenant:1:stats:*`. How many there were.

        Looks at every key of the cache, in batches. Raises ValueError for a pattern that does not begin with a whole
        name (`tenant:1:`): it would reach what belongs to others.
        """
        if not _WHOLE_BEGINNING.match(pattern):
            raise ValueError(f"{pattern!r} must begin with a whole name and a colon: tenant:1:*")
        exact = _PREFIX + re.sub(r"([?\[\]\\^])", r"\\\1", pattern)
        self._tried(lambda: self._unlink(exact + _LOCK))
        return int(self._tried(lambda: self._unlink(exact)) or 0)

    def increment(self, key: str, by: int = 1, *, ttl: int = 0) -> int | None:
        """Add to a counter that begins at 0; `ttl` seconds (0: for ever) run from its first count. None: Redis is away."""
        count = self._tried(lambda: self._increment(keys=[_PREFIX + key], args=[by, ttl]))
        return None if count is None else int(count)

    def remember(self, key: str, ttl: int, make: Callable[[], Any]) -> Any:
        """The value; made, and kept for `ttl` seconds, when there is none.

        Of several who miss it at once one makes it, the others wait for it, at most five seconds. What is deleted
        while it is being made is not kept.
        """
        keys, token = [_PREFIX + key, _PREFIX + key + _LOCK], secrets.token_hex(8)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._tried(lambda: self._get_or_lock(keys=keys, args=[token, _LOCK_SECONDS]))
            if answer is None:
                return make()
            mine, *kept = answer
            if kept:
                return json.loads(kept[0])
            if mine:
                return self._made(keys, ttl, make, token)
            if time.monotonic() > deadline:
                return make()
            time.sleep(_LOOK_SECONDS)

    def health(self) -> CacheHealth:
        began = time.perf_counter()
        try:
            self._client.ping()
        except redis.RedisError:
            return CacheHealth(False)
        return CacheHealth(True, time.perf_counter() - began)

    def _made(self, keys: list[str], ttl: int, make: Callable[[], Any], token: str) -> Any:
        try:
            value = make()
            text = _json(value)
        except BaseException:
            self._tried(lambda: self._let_go(keys=keys[1:], args=[token]))
            raise
        self._tried(lambda: self._keep(keys=keys, args=[token, text, ttl]))
        return json.loads(text)

    def _unlink(self, pattern: str) -> int:
        removed, batch = 0, []
        for key in self._client.scan_iter(match=pattern, count=_BATCH):
            batch.append(key)
            if len(batch) == _BATCH:
                removed += int(self._client.unlink(*batch))
                batch = []
        return removed + (int(self._client.unlink(*batch)) if batch else 0)

    def _tried(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except redis.RedisError as error:
            self.failures += 1
            now = time.monotonic()
            if now >= self._log_again_at:
                self._log_again_at = now + _LOG_SECONDS
                log.warning("the cache is away", extra={"cause": str(error), "failures": self.failures})
            return None


def get_cache() -> Cache:
    """The cache of this installation: REDIS_URL, in the database REDIS_CACHE_DB when that is set."""
    return _cache_at(settings.REDIS_URL, environment.integer("REDIS_CACHE_DB", -1))


def build_tenant_key(tenant_id: int, suffix: str) -> str:
    """`tenant:1:<suffix>`; colons in the suffix stay, what has a meaning in patterns is escaped."""
    return f"tenant:{int(tenant_id)}:{quote(suffix, safe=':@,+=')}"


def build_contact_key(tenant_id: int, contact_id: int) -> str:
    return build_tenant_key(tenant_id, f"contact:{int(contact_id)}")


def build_campaign_key(tenant_id: int, campaign_id: int) -> str:
    return build_tenant_key(tenant_id, f"campaign:{int(campaign_id)}")


def build_template_key(tenant_id: int, template_id: int) -> str:
    return build_tenant_key(tenant_id, f"template:{int(template_id)}")


def build_stats_key(tenant_id: int, stat_type: str) -> str:
    """`tenant:1:stats:contacts`"""
    return build_tenant_key(tenant_id, f"stats:{stat_type}")


@lru_cache(maxsize=4)
def _cache_at(url: str, database: int) -> Cache:
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    pool = redis.ConnectionPool.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=retry)
    if database >= 0:
        # What the URL says would win over an argument.
        pool.connection_kwargs["db"] = database
    return Cache(redis.Redis(connection_pool=pool))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
