"""What was looked up a moment ago: bounded, with an expiry, and never looked up twice at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """`load` gives a value, or None for what does not exist; that too is remembered, for a shorter while.

    When `load` fails and an expired value is still held, that value is given: links lead on while the
    database is away.
    """

    def __init__(
        self, load: Callable[[K], Awaitable[V | None]], *, seconds: float, missing_seconds: float, size: int
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._missing_seconds = missing_seconds
        self._size = size
        self._held: dict[K, tuple[float, V | None]] = {}
        self._loading: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K) -> V | None:
        """Raises what `load` raises."""
        held = self._held.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.ensure_future(self._fetch(key))
            task.add_done_callback(lambda done: self._loaded(key, done))
        try:
            # A client that goes away must not take the look-up of the others with it.
            return await asyncio.shield(task)
        except Exception:
            if held is not None:
                return held[1]
            raise

    async def _fetch(self, key: K) -> V | None:
        value = await self._load(key)
        self._held.pop(key, None)
        while len(self._held) >= self._size:
            del self._held[next(iter(self._held))]
        self._held[key] = (time.monotonic() + (self._missing_seconds if value is None else self._seconds), value)
        return value

    def _loaded(self, key: K, task: "asyncio.Task[V | None]") -> None:
        self._loading.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen: whoever waited for it has it
