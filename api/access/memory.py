"""What this process remembers of the keys it has checked."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class ShortMemory(Generic[_Value]):
    """Holds a value for `seconds` after it was learnt, and of more than `most` values the latest ones."""

    def __init__(self, *, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seconds = seconds
        self._most = most
        self._held: OrderedDict[Hashable, tuple[float, _Value]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, name: Hashable) -> _Value | None:
        held = self._held.get(name)
        return held[1] if held and held[0] > self.clock() else None

    def learn(self, name: Hashable, value: _Value) -> None:
        with self._lock:
            self._held[name] = (self.clock() + self._seconds, value)
            self._held.move_to_end(name)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._held.clear()
