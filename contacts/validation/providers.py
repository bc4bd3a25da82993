"""Large mailbox providers, and what people type in their place."""

from functools import lru_cache

from contacts.validation.word_lists import lines_of, words_of

LARGE = words_of("large_providers.txt")
_KNOWN = frozenset(LARGE)
_MEANT = {
    slip: meant
    for meant, _, slips in (line.partition(": ") for line in lines_of("known_slips.txt"))
    for slip in slips.split()
}
_SHORTEST_NAME = 4  # letters before the first dot: shorter ones all look alike


def known_slip(domain: str) -> str:
    """The provider that is meant by a well-known misspelling, or ""."""
    return _MEANT.get(domain, "")


@lru_cache(maxsize=16_384)
def similar_provider(domain: str) -> str:
    """The large provider whose domain differs by one slip of the keyboard, by two where it is long; or ""."""
    if domain in _KNOWN or len(domain.partition(".")[0]) < _SHORTEST_NAME:
        return ""
    nearest = min(LARGE, key=lambda known: _distance(domain, known) if _comparable(domain, known) else len(domain))
    allowed = 2 if len(nearest) >= 9 else 1
    return nearest if _comparable(domain, nearest) and _distance(domain, nearest) <= allowed else ""


def _comparable(domain: str, known: str) -> bool:
    return abs(len(domain) - len(known)) <= 2 and len(known.partition(".")[0]) >= _SHORTEST_NAME


def _distance(one: str, other: str) -> int:
    """Letters left out, added, exchanged, and neighbours swapped (optimal string alignment)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, facing in enumerate(other, 1):
            best = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != facing))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == facing:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        before, above = above, current
    return above[-1]
