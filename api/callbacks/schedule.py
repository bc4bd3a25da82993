"""When a notice that was not taken is sent again, and how long an endpoint that takes nothing is left alone."""

import random

_MINUTE, _HOUR = 60.0, 3600.0

WAITS = (
    5.0,
    30.0,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    12 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
)
"""Seconds after the first, second, … try: 13 tries in a little more than three days."""

LONGEST_ASKED = 24 * _HOUR

# An endpoint that failed so often in a row is asked with one notice at a time, after growing pauses.
RESTS_AFTER = 5
FIRST_REST = 5.0
LONGEST_REST = 15 * _MINUTE
LONGEST_ASKED_REST = _HOUR

# Paused by itself: so many failures in a row, over so many hours.
PAUSED_AFTER_FAILURES = 10
PAUSED_AFTER_HOURS = 24


def wait_after(tries: int, *, asked: float | None = None, chance: random.Random | None = None) -> float | None:
    """Seconds until the next try after `tries` failed ones, None when that was the last. `asked`: Retry-After, which is
    waited for up to a day. Up to a fifth is added by chance, so that what failed together does not come back together."""
    if tries > len(WAITS):
        return None
    usual = WAITS[max(tries, 1) - 1]
    return max(usual, min(asked or 0.0, LONGEST_ASKED)) * (chance or _CHANCE).uniform(1.0, 1.2)


_CHANCE = random.Random()
