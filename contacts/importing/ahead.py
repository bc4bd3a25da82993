"""Making the next item while the last one is being used."""

import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

# How long the maker may keep a user waiting that has got the database's answer; Python's own 5 ms, a few dozen
# times a batch, would leave the database idle for a fifth of the time.
_TURN_SECONDS = 0.0005


@contextmanager
def made_ahead(items: Generator[Item, None, None]) -> Iterator[Iterator[Item]]:
    """The same items, each made by another thread while the one before it is in use; never more than one
    ahead. What making an item raises is raised where it is asked for. The other thread must not use the
    database. At the end of the block `items` is closed, used up or not."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="made-ahead") as pool:
            yield _one_ahead(pool, items)
    finally:
        sys.setswitchinterval(before)
        items.close()


def _one_ahead(pool: ThreadPoolExecutor, items: Iterator[Item]) -> Iterator[Item]:
    coming = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item
