"""What is counted: windows of time, and how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` in any `seconds`. `name` says whose it is: `key:7`, `key:7:POST /send`, `address:192.0.2.1`."""

    name: str
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A window after it was looked at. Times are epoch seconds of the store's clock; `free_at`: when there will be
    more in it; `blocked_until`: when what was asked for will fit, 0 when it fits now."""

    window: Window
    used: int
    free_at: float
    blocked_until: float

    @property
    def remaining(self) -> int:
        return max(0, self.window.limit - self.used)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All windows allow it and have counted it, or none has."""

    allowed: bool
    now: float
    standings: tuple[Standing, ...]


class Store(Protocol):
    """Where calls are counted."""

    def count(self, windows: Sequence[Window], amount: int) -> Verdict: ...


class StoreAway(Exception):
    """The place where calls are counted cannot be reached."""
