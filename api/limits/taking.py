"""Taking from windows: counted in Redis, in PostgreSQL while Redis is away, and never left open."""

import logging
import math
import time
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings

from api.limits.allowance import Allowance
from api.limits.counted import CountedWindows
from api.limits.faults import TooManyCalls
from api.limits.sliding import SlidingWindows, limits_client
from api.limits.windows import Standing, Store, StoreAway, Verdict, Window
from common.errors import Unavailable
from common.metrics import LIMIT_CHECKS

log = logging.getLogger(__name__)

# While it is away, Redis is asked again this often: each request would wait for it otherwise.
ASK_AGAIN_SECONDS = 2.0


class Limits:
    """Windows in two stores: the first while it answers, else the second."""

    def __init__(self, first: Store, second: CountedWindows) -> None:
        self._first, self._second = first, second
        self._away_until = 0.0

    def take(self, windows: Sequence[Window], *, amount: int = 1) -> Allowance | None:
        """Count `amount` in all windows, or in none. Windows without a limit (0) are left out; None if no other is left.

        Raises TooManyCalls, and Unavailable when there is nowhere to count.
        """
        limited = with_a_limit(windows)
        if not limited:
            return None
        try:
            return allowance_of(self._count(limited, amount))
        except StoreAway as error:
            raise nowhere_to_count(error) from error

    def _count(self, windows: Sequence[Window], amount: int) -> Verdict:
        now = time.monotonic()
        if now >= self._away_until:
            try:
                verdict = self._first.count(windows, amount)
            except StoreAway as error:
                if not self._away_until:
                    log.warning("Redis is away, calls are counted in the database", extra={"cause": str(error)})
                    # What an earlier absence left.
                    self._second.remove_old()
                self._away_until = now + ASK_AGAIN_SECONDS
            else:
                self._away_until = 0.0
                return verdict
        return self._second.count(windows, amount)


def take(windows: Sequence[Window], *, amount: int = 1) -> Allowance | None:
    """As `Limits.take`, over this installation's servers."""
    return _limits_at(settings.REDIS_URL).take(windows, amount=amount)


@lru_cache(maxsize=4)
def _limits_at(url: str) -> Limits:
    return Limits(SlidingWindows(limits_client(url)), CountedWindows())


def with_a_limit(windows: Sequence[Window]) -> list[Window]:
    """Those that are counted at all, each once."""
    return list(dict.fromkeys(window for window in windows if window.limit > 0))


def allowance_of(verdict: Verdict) -> Allowance:
    """What is left in the tightest window. Raises TooManyCalls."""
    LIMIT_CHECKS.labels("allowed" if verdict.allowed else "refused").inc()
    if not verdict.allowed:
        raise _too_many(verdict)
    tightest = min(verdict.standings, key=lambda standing: (standing.remaining, -standing.free_at))
    return Allowance(tightest.window.limit, tightest.remaining, math.ceil(tightest.free_at))


def nowhere_to_count(error: StoreAway) -> Unavailable:
    """Noted, and said to the caller."""
    LIMIT_CHECKS.labels("unavailable").inc()
    log.warning("calls cannot be counted: neither Redis nor the database answers", extra={"cause": str(error)})
    return Unavailable("Your calls cannot be counted just now.", hint="Try again in a moment.")


def _too_many(verdict: Verdict) -> TooManyCalls:
    worst: Standing = max(verdict.standings, key=lambda standing: standing.blocked_until)
    window = worst.window
    return TooManyCalls(
        f"Too many calls: the limit is {window.limit} in {_in_words(window.seconds)}.",
        allowance=Allowance(window.limit, worst.remaining, math.ceil(worst.blocked_until)),
        retry_after=max(1, math.ceil(worst.blocked_until - verdict.now)),
        hint="Wait as long as Retry-After says.",
    )


def _in_words(seconds: int) -> str:
    for length, one, many in ((86_400, "a day", "days"), (3_600, "an hour", "hours"), (60, "a minute", "minutes")):
        if seconds % length == 0:
            return one if seconds == length else f"{seconds // length} {many}"
    return "a second" if seconds == 1 else f"{seconds} seconds"
