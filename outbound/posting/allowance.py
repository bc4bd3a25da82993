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

log = logging.getLogger(__name__)

_AT_ONCE = 50.0
_COUNT_SECONDS = 5.0
_KEPT_SECONDS = 2 * 86_400
# KEYS[1] what was given that day; ARGV: most, wanted, what to begin with ('' to be told that there is no count yet), how
# long to keep it, what was given while this could not be asked.
_TAKE = """
local given = redis.call('GET', KEYS[1])
if not given then
    if ARGV[3] == '' then return -1 end
    given = ARGV[3]
end
given = tonumber(given) + tonumber(ARGV[5])
local more = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - given))
redis.call('SET', KEYS[1], given + more, 'EX', ARGV[4])
return more
"""
# A few rows, however much was sent: they are written with the outcomes.
_GIVEN = """
SELECT coalesce(sum(given), 0) FROM {accountday} WHERE day = (now() AT TIME ZONE 'UTC')::date AND provider_id = %s
"""


class Allowance(Protocol):
    """What outbound.rates.SharedRate is, too. `take` may wait for Redis or the database: never on the event loop."""

    @property
    def capacity(self) -> float:
        """The most that is worth holding."""

    def take(self, wanted: int) -> int:
        """Up to `wanted` permits, perhaps none just now."""


class DailyAllowance:
    """So many messages a day, and no more in a second than the account's own `rate` allows.

    Counted in Redis for all senders. Where Redis has lost its count it begins with what the database says was given to
    the account today; while Redis is away that is all there is to go by, and several senders may exceed the limit a little.
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
        self._gave_at: float | None = None  # when Redis last gave something, which the books may not know yet
        self._untold = self._latest = 0  # given by the books since Redis was away: all of it, and the last time

    def take(self, wanted: int) -> int:
        # In this order: a permit that the rate holds back must not be lost to the day.
        allowed = self._rate.take(wanted) if self._rate is not None else wanted
        return self._of_today(allowed) if allowed else 0

    def _of_today(self, wanted: int) -> int:
        try:
            given = self._counted(wanted, "")
            return given if given >= 0 else self._counted(wanted, str(self._to_begin_with()))
        except redis.RedisError as error:
            return self._by_the_books(wanted, error)

    def _counted(self, wanted: int, begin: str) -> int:
        key = f"daily:{self._schema}:{self._provider_id}:{datetime.now(UTC):%Y-%m-%d}"
        given = int(self._script(keys=[key], args=[self._most, wanted, begin, _KEPT_SECONDS, self._untold]))
        if given >= 0:
            self._untold = 0
        if given > 0:
            self._gave_at = self._clock()
        return given

    def _by_the_books(self, wanted: int, error: redis.RedisError) -> int:
        now = self._clock()
        if any(at is not None and now - at < _COUNT_SECONDS for at in (self._counted_at, self._gave_at)):
            return 0
        if self._counted_at is None:
            log.warning("the daily count is away, the database is asked", extra={"cause": str(error)})
        self._counted_at = now
        self._latest = max(0, min(wanted, self._most - self._given_today()))
        self._untold += self._latest
        return self._latest

    def _to_begin_with(self) -> int:
        """What the database says, and what was given so lately that it cannot know; `_counted` adds what is untold."""
        is_new = self._counted_at is not None and self._clock() - self._counted_at < _COUNT_SECONDS
        return self._given_today() + (self._latest if is_new else 0) - self._untold

    def _given_today(self) -> int:
        with connection.cursor() as cursor:
            statement = sql.SQL(_GIVEN).format(accountday=sql.Identifier(self._schema, "outbound_accountday"))
            cursor.execute(statement, [self._provider_id])
            return int(cursor.fetchone()[0])
