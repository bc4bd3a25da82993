"""Addresses that stand in a file more than once, found without keeping the addresses.

A file of a million rows is read twice anyway. The first time only eight bytes of each key are kept, its hash;
what occurs more than once there is what the second reading must watch. Hashes are those of this process.
"""

from array import array
from itertools import pairwise

_SORTED_AT_ONCE = 1_000_000  # numbers become objects of 32 bytes while they are sorted


def repeated_hashes(hashes: "array[int]") -> dict[int, int]:
    """The hashes that occur more than once, each with how often.

    Two different keys share one of 2**64 hashes by accident in one file of a million rows out of thirty million.
    """
    parts = 1 + len(hashes) // _SORTED_AT_ONCE
    counts: dict[int, int] = {}
    for part in range(parts):
        chosen = sorted(hashes) if parts == 1 else sorted(number for number in hashes if number % parts == part)
        for before, number in pairwise(chosen):
            if before == number:
                counts[number] = counts.get(number, 1) + 1
    return counts


class FirstLines:
    """On the second reading: in which line a repeated address stood first."""

    def __init__(self, repeated: dict[int, int]) -> None:
        self._lines = dict.fromkeys(repeated, 0)

    def before(self, key: str, line: int) -> int:
        """0 for an address met for the first time, which `line` then is; else its first line."""
        number = hash(key)
        first = self._lines.get(number)
        if first is None:
            return 0
        if not first:
            self._lines[number] = line
            return 0
        return first
