"""Taking from windows in an event loop: the same windows as `take`, in Redis, or in PostgreSQL while Redis is away."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from django.conf import settings

from api.limits.allowance import Allowance
from api.limits.counted import CountedWindows
from api.limits.sliding import AsyncSlidingWindows, async_limits_client
from api.limits.taking import ASK_AGAIN_SECONDS, allowance_of, nowhere_to_count, with_a_limit
from api.limits.windows import StoreAway, Verdict, Window
from common.database import connection

log = logging.getLogger(__name__)

# So many connections to the database at once, and only while Redis is away.
_THREADS = 4


class AsyncLimits:
    """As `Limits`, for one event loop."""

    def __init__(self, first: AsyncSlidingWindows, second: CountedWindows) -> None:
        self._first, self._second = first, second
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="limits")
        self._away_until = 0.0

    async def take(self, windows: Sequence[Window], *, amount: int = 1) -> Allowance | None:
        """Count `amount` in all windows, or in none. Windows without a limit (0) are left out; None if no other is left.

        Raises TooManyCalls, and Unavailable when there is nowhere to count.
        """
        limited = with_a_limit(windows)
        if not limited:
            return None
        try:
            return allowance_of(await self._count(limited, amount))
        except StoreAway as error:
            raise nowhere_to_count(error) from error

    async def close(self) -> None:
        """Close its connections and end its threads."""
        await self._first.close()
        self._threads.shutdown(wait=False)

    async def _count(self, windows: Sequence[Window], amount: int) -> Verdict:
        now = time.monotonic()
        if now >= self._away_until:
            try:
                verdict = await self._first.count(windows, amount)
            except StoreAway as error:
                if not self._away_until:
                    log.warning("Redis is away, calls are counted in the database", extra={"cause": str(error)})
                self._away_until = now + ASK_AGAIN_SECONDS
            else:
                self._away_until = 0.0
                return verdict
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._counted, windows, amount)

    def _counted(self, windows: Sequence[Window], amount: int) -> Verdict:
        try:
            return self._second.count(windows, amount)
        finally:
            # A thread of an event loop has no request at whose end its connection would be looked after.
            connection.close()


async def take_async(windows: Sequence[Window], *, amount: int = 1) -> Allowance | None:
    """As `AsyncLimits.take`, over this installation's servers."""
    return await _limits_here(settings.REDIS_URL).take(windows, amount=amount)


async def close_limits() -> None:
    """For the end of an event loop that called `take_async`."""
    for limits in _of_loops.pop(asyncio.get_running_loop(), {}).values():
        await limits.close()


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncLimits]]" = WeakKeyDictionary()


def _limits_here(url: str) -> AsyncLimits:
    """Connections of Redis belong to the loop in which they were opened."""
    of_loop = _of_loops.setdefault(asyncio.get_running_loop(), {})
    if url not in of_loop:
        of_loop[url] = AsyncLimits(AsyncSlidingWindows(async_limits_client(url)), CountedWindows())
    return of_loop[url]
