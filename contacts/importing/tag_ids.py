"""Names of tags to their ids: tags that the tenant has not are made."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from contacts.importing.tag_lists import LONGEST_TAG
from contacts.models import Tag


class TagIds:
    """Array literals for combinations of tags. Call `learn` inside the transaction that uses them; after a
    rollback, make a new one."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self.literals: dict[tuple[str, ...], str] = {}

    def learn(self, combinations: Iterable[tuple[str, ...]]) -> None:
        """Fill `literals` for these combinations, each as PostgreSQL writes an array of sorted ids."""
        new = {tags for tags in combinations if tags not in self.literals}
        self._make({tag for tags in new for tag in tags})
        for tags in new:
            ids = sorted({self._ids[tag_slug(tag)] for tag in tags})
            self.literals[tags] = "{" + ",".join(map(str, ids)) + "}"

    def _make(self, names: set[str]) -> None:
        """Slugs in order, so that two transactions that make the same tags do not wait for each other in turn."""
        unknown = {tag_slug(name): name for name in sorted(names) if tag_slug(name) not in self._ids}
        if not unknown:
            return
        now = datetime.now(UTC)
        Tag.objects.bulk_create(
            (Tag(slug=slug, name=unknown[slug], created_at=now) for slug in sorted(unknown)),
            batch_size=1000,
            ignore_conflicts=True,
        )
        self._ids.update(Tag.objects.filter(slug__in=list(unknown)).values_list("slug", "id"))


@lru_cache(maxsize=20_000)
def tag_slug(name: str) -> str:
    """The slug of a tag: `Fair Köln` gives `fair-koln`, `real_estate` stays as it is. Tags of one slug are one tag."""
    flat = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in flat if not unicodedata.combining(char))
    text = plain if plain.isascii() else unicodedata.normalize("NFKC", name.casefold())
    kept = "".join(char if _belongs(char) else " " for char in text)
    return "-".join(kept.split()).strip("-_")[:LONGEST_TAG].rstrip("-_") or f"tag-{name.encode().hex()[:40]}"


def _belongs(char: str) -> bool:
    return char == "_" or char.isalnum() or unicodedata.category(char)[0] == "M"
