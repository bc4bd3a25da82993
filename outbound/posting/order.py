"""Who is next: by priority, but every fifth is the one that has waited longest, so that nobody starves."""

import heapq
from itertools import count

from outbound.posting.types import Item

_EVERY = 5


class Order:
    """Items that wait in a lane."""

    def __init__(self) -> None:
        self._urgent: list[tuple[int, float, int]] = []
        self._oldest: list[tuple[float, int]] = []
        # By a number of their own: an item may leave, and come again here or wait in another lane, while what is left
        # of it in a heap must count for nothing.
        self._waiting: dict[int, Item] = {}
        self._numbers = count()
        self._turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def most_urgent(self) -> int | None:
        """The best priority that waits."""
        self._tidy()
        return self._urgent[0][0] if self._urgent else None

    def add(self, item: Item) -> None:
        item.batch.waiting += 1
        number, due = next(self._numbers), item.due_at.timestamp()
        self._waiting[number] = item
        heapq.heappush(self._urgent, (item.priority, due, number))
        heapq.heappush(self._oldest, (due, number))

    def pop(self) -> Item | None:
        """The next one, or None."""
        self._tidy()
        if not self._waiting:
            return None
        self._turns += 1
        number = heapq.heappop(self._urgent)[2] if self._turns % _EVERY else heapq.heappop(self._oldest)[1]
        item = self._waiting.pop(number)
        item.batch.waiting -= 1
        return item

    def take_all(self) -> list[Item]:
        """Everybody; nobody is left."""
        items = list(self._waiting.values())
        for item in items:
            item.batch.waiting -= 1
        self._waiting.clear()
        self._urgent.clear()
        self._oldest.clear()
        return items

    def _tidy(self) -> None:
        """Who was popped from one heap still stands in the other."""
        while self._urgent and self._urgent[0][2] not in self._waiting:
            heapq.heappop(self._urgent)
        while self._oldest and self._oldest[0][1] not in self._waiting:
            heapq.heappop(self._oldest)
