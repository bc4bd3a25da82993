"""Tags named by words, as programs and imports write them: those that are not there yet are made."""

from collections.abc import Sequence

from contacts.importing.tag_ids import TagIds, tag_slug
from contacts.services.bulk_rows import checked_tags


def tags_of_words(words: Sequence[str]) -> tuple[str, ...]:
    """The slugs of these words, each once. Part of the caller's transaction. Raises InvalidInput."""
    tidy = checked_tags(tuple(words))
    TagIds().learn([tidy])
    return tuple(dict.fromkeys(tag_slug(word) for word in tidy))
