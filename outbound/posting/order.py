"""Who is next: by priority, but every fifth is the one that has waited longest, so that nobody starves."""

import heapq
from itertools import count

from outbound.posting.types import Item

_EVERY = 5


class Order:
    """Items that wait in a lane."""

    def __init__(self) -> None:
        self._urgent: list[tuple[int, float, int, Item]] = []
        self._oldest: list[tuple[float, int, Item]] = []
        self._numbers = count()
        self._turns = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def most_urgent(self) -> int | None:
        """The best priority that waits."""
        self._tidy()
        return self._urgent[0][0] if self._urgent else None

    def add(self, item: Item) -> None:
        item.waits = True
        item.batch.waiting += 1
        self._length += 1
        number, due = next(self._numbers), item.due_at.timestamp()
        heapq.heappush(self._urgent, (item.priority, due, number, item))
        heapq.heappush(self._oldest, (due, number, item))

    def pop(self) -> Item | None:
        """The next one, or None."""
        self._tidy()
        if not self._length:
            return None
        self._turns += 1
        if self._turns % _EVERY:
            item = heapq.heappop(self._urgent)[3]
        else:
            item = heapq.heappop(self._oldest)[2]
        self._leave(item)
        return item

    def take_all(self) -> list[Item]:
        """Everybody; nobody is left."""
        items = [entry[3] for entry in self._urgent if entry[3].waits]
        for item in items:
            self._leave(item)
        self._urgent.clear()
        self._oldest.clear()
        return items

    def _leave(self, item: Item) -> None:
        item.waits = False
        item.batch.waiting -= 1
        self._length -= 1

    def _tidy(self) -> None:
        """Who was popped from one heap still stands in the other."""
        while self._urgent and not self._urgent[0][3].waits:
            heapq.heappop(self._urgent)
        while self._oldest and not self._oldest[0][2].waits:
            heapq.heappop(self._oldest)
