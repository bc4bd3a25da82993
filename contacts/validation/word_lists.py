"""Lists of words in files beside this one, with comments behind #."""

from pathlib import Path


def lines_of(name: str) -> list[str]:
    """Its lines without comments and empty ones."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def words_of(name: str) -> tuple[str, ...]:
    """Its words, in their order."""
    return tuple(word for line in lines_of(name) for word in line.split())
