"""Batches are made while others are written, and never left lying about."""

import sys
import threading
from collections.abc import Generator

import pytest

from contacts.importing.ahead import made_ahead


class Maker:
    """Counts up, and remembers who asked and whether it was closed."""

    def __init__(self, stop: int, error: Exception | None = None) -> None:
        self.made: list[int] = []
        self.threads: set[int] = set()
        self.closed = False
        self._stop, self._error = stop, error

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(1, self._stop + 1):
                self.threads.add(threading.get_ident())
                self.made.append(number)
                yield number
            if self._error:
                raise self._error
        finally:
            self.closed = True


def test_items_come_in_order_from_another_thread() -> None:
    maker = Maker(100)
    with made_ahead(maker.items()) as items:
        assert list(items) == list(range(1, 101))
    assert maker.threads.isdisjoint({threading.get_ident()})


def test_never_more_than_one_item_is_made_ahead() -> None:
    maker = Maker(100)
    with made_ahead(maker.items()) as items:
        for number in items:
            assert len(maker.made) <= number + 1


def test_a_fault_of_the_maker_is_raised_to_the_user() -> None:
    maker = Maker(2, KeyError("broken"))
    with made_ahead(maker.items()) as items:
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(KeyError, match="broken"):
            next(items)


def test_a_user_that_gives_up_closes_the_maker() -> None:
    maker, before = Maker(100), sys.getswitchinterval()

    def give_up() -> None:
        with made_ahead(maker.items()) as items:
            raise RuntimeError(f"{next(items)} is enough")

    with pytest.raises(RuntimeError):
        give_up()
    assert maker.closed
    assert len(maker.made) <= 2
    assert sys.getswitchinterval() == before
