"""How others know that a sender is alive: a mark in Redis, made anew every few seconds."""

import logging
from typing import cast

import redis
from django.conf import settings

from outbound.rates import rate_client

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
_ALIVE_SECONDS = 20.0
_KEY = "posting:senders"


class Heartbeat:
    """One sender's mark. `owner` is its name: host:pid:random."""

    def __init__(self, owner: str) -> None:
        self._client = rate_client(settings.REDIS_URL)
        self._owner = owner

    def beat(self) -> None:
        """Blocks for at most half a second. That Redis is away is not the sender's trouble."""
        try:
            at = _now(self._client)
            self._client.zadd(_KEY, {self._owner: at})
            self._client.zremrangebyscore(_KEY, "-inf", at - _ALIVE_SECONDS)
        except redis.RedisError as error:
            log.debug("no mark could be made in Redis", extra={"cause": str(error)})

    def end(self) -> None:
        try:
            self._client.zrem(_KEY, self._owner)
            self._client.close()
        except redis.RedisError as error:
            log.debug("the mark in Redis could not be removed", extra={"cause": str(error)})


def living_senders() -> list[str] | None:
    """Names of the senders that are alive; None when Redis cannot be asked."""
    client = rate_client(settings.REDIS_URL)
    try:
        found = client.zrangebyscore(_KEY, _now(client) - _ALIVE_SECONDS, "+inf")
        return [name.decode() for name in cast("list[bytes]", found)]
    except redis.RedisError:
        return None
    finally:
        client.close()


def _now(client: redis.Redis) -> float:
    """The server's time, so that hosts need not agree on theirs."""
    seconds, micro = client.time()
    return float(seconds) + micro / 1e6
