"""When a deferred recipient is tried again, and when it is given up.

RFC 5321 4.5.4.1 wants 30 minutes between tries and 4 to 5 days before giving up, for MTAs that talk to the
recipient's server. Behind a provider that queues itself, a deferral means greylisting or a rate limit, so the first
tries come sooner.
"""

import os
import random
from datetime import UTC, datetime, timedelta

_SCHEDULE = tuple(
    float(seconds)
    for seconds in os.environ.get("ENGINE_RETRY_SECONDS", "60,300,900,1800,3600,7200,14400,28800").split(",")
)
GIVE_UP_AFTER = timedelta(hours=float(os.environ.get("ENGINE_GIVE_UP_HOURS", "72")))


def next_try(attempt: int, now: datetime | None = None) -> datetime:
    """When to try again after the given attempt (1 = the first) was deferred; up to 20 % later, so that they spread."""
    seconds = _SCHEDULE[min(attempt, len(_SCHEDULE)) - 1]
    return (now or datetime.now(UTC)) + timedelta(seconds=seconds * (1 + 0.2 * random.random()))
