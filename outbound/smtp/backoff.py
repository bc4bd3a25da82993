"""How long to wait before the next attempt."""

from collections.abc import Callable


class Backoff:
    """Doubles from `first` to `last` seconds. `chance` gives numbers from 0 to 1, to spread many senders."""

    def __init__(self, *, first: float, last: float, chance: Callable[[], float]) -> None:
        self._first = first
        self._last = last
        self._chance = chance
        self._next = first

    def next_delay(self) -> float:
        """Seconds: three quarters to five quarters of the present step."""
        step = self._next
        self._next = min(self._last, step * 2)
        return step * (0.75 + self._chance() / 2)

    def reset(self) -> None:
        """All is well again."""
        self._next = self._first
