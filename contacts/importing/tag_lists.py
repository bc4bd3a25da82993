"""The tags in a cell, in the ways the world's exports write lists."""

import csv
import json
import unicodedata
from functools import lru_cache

LONGEST_TAG = 80
MOST_TAGS = 100  # in one cell; beyond it a column is not a list of tags


@lru_cache(maxsize=20_000)
def tags_in_cell(cell: str) -> tuple[str, ...]:
    """`"VIP","Blog"`, `a, b`, `a;b`, `a|b`, `* Friends ::: Family` or `["a", "b"]`: each tag once.

    Cached because a list has few combinations of tags and many rows.
    """
    return unique_tags(_split(cell.strip()))


def unique_tags(words: list[str]) -> tuple[str, ...]:
    """Tidy tags, without empty ones and without repetitions in other case."""
    tags: dict[str, str] = {}
    for word in words:
        tag = unicodedata.normalize("NFC", " ".join(word.split()).strip(" ,;|"))[:LONGEST_TAG].rstrip()
        if tag and len(tags) < MOST_TAGS:
            tags.setdefault(tag.casefold(), tag)
    return tuple(tags.values())


def _split(cell: str) -> list[str]:
    if " ::: " in cell or cell.startswith("* "):  # Google marks its own groups with a star
        return [part.removeprefix("* ") for part in cell.split(" ::: ")]
    if cell.startswith("[") and cell.endswith("]"):
        return _json_words(cell)
    if cell.startswith('"'):
        return next(csv.reader([cell], delimiter=";" if '";' in cell else ",", skipinitialspace=True), [])
    for delimiter in (";", ",", "|", "\n"):
        if delimiter in cell:
            return cell.split(delimiter)
    return [cell]


def _json_words(cell: str) -> list[str]:
    try:
        words = json.loads(cell)
    except ValueError:
        return cell[1:-1].replace('"', "").replace("'", "").split(",")
    return [str(word) for word in words if isinstance(word, str | int | float)]
