"""How many messages may be handed to an account now: by its rate, and by what the operator allows it a day (UTC)."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import redis
from psycopg import sql

from common.database import connection
from outbound.rates import SharedRate
from outbound.states import RecipientState

log = logging.getLogger(__name__)

_AT_ONCE = 50.0
_COUNT_SECONDS = 5.0
_KEPT_SECONDS = 2 * 86_400
# KEYS[1] what was given that day; ARGV: most, wanted, what to begin with ('' to be told that there is no count yet).
_TAKE = """
local given = redis.call('GET', KEYS[1])
if not given then
    if ARGV[3] == '' then return -1 end
    given = ARGV[3]
end
local more = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - tonumber(given)))
redis.call('SET', KEYS[1], tonumber(given) + more, 'EX', ARGV[4])
return more
"""
# A message that is sent today was taken in this month or the one before, or was scheduled long ago: all partitions.
_SENT = """
SELECT count(*) FROM {recipient} WHERE provider_id = %s AND state = ANY(%s::smallint[])
    AND at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
"""
_TAKEN = [RecipientState.SENT, RecipientState.DELIVERED]


class Allowance(Protocol):
    """What outbound.rates.SharedRate is, too. `take` may wait for Redis or the database: never on the event loop."""

    @property
    def capacity(self) -> float:
        """The most that is worth holding."""

    def take(self, wanted: int) -> int:
        """Up to `wanted` permits, perhaps none just now."""


class DailyAllowance:
    """So many messages a day, and no more in a second than the account's own `rate` allows.

    Counted in Redis for all senders. Where Redis has lost its count it begins with what the database says was sent
    today; while Redis is away that is all there is to go by, and several senders may exceed the limit a little.
    """

    def __init__(
        self,
        client: redis.Redis,
        schema: str,
        provider_id: int,
        *,
        most: int,
        rate: SharedRate | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.capacity = rate.capacity if rate is not None else _AT_ONCE
        self._script = client.register_script(_TAKE)
        self._schema, self._provider_id, self._most, self._rate = schema, provider_id, most, rate
        self._clock = clock
        self._counted_at: float | None = None

    def take(self, wanted: int) -> int:
        # In this order: a permit that the rate holds back must not be lost to the day.
        allowed = self._rate.take(wanted) if self._rate is not None else wanted
        return self._of_today(allowed) if allowed else 0

    def _of_today(self, wanted: int) -> int:
        try:
            given = self._counted(wanted, "")
            return given if given >= 0 else self._counted(wanted, str(self._sent_today()))
        except redis.RedisError as error:
            return self._by_the_books(wanted, error)

    def _counted(self, wanted: int, begin: str) -> int:
        key = f"daily:{self._schema}:{self._provider_id}:{datetime.now(UTC):%Y-%m-%d}"
        return int(self._script(keys=[key], args=[self._most, wanted, begin, _KEPT_SECONDS]))

    def _by_the_books(self, wanted: int, error: redis.RedisError) -> int:
        now = self._clock()
        if self._counted_at is not None and now - self._counted_at < _COUNT_SECONDS:
            return 0
        if self._counted_at is None:
            log.warning("the daily count is away, the database is asked", extra={"cause": str(error)})
        self._counted_at = now
        return max(0, min(wanted, self._most - self._sent_today()))

    def _sent_today(self) -> int:
        with connection.cursor() as cursor:
            statement = sql.SQL(_SENT).format(recipient=sql.Identifier(self._schema, "outbound_recipient"))
            cursor.execute(statement, [self._provider_id, _TAKEN])
            return int(cursor.fetchone()[0])
