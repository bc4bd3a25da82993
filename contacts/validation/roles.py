"""Local parts that name a function: nobody in particular reads them, and often several people do."""

from contacts.validation.word_lists import words_of


def is_role(local_part: str) -> bool:
    """Whether it names a function, with or without a +suffix."""
    return local_part.partition("+")[0].lower() in _LOCAL_PARTS


_LOCAL_PARTS = frozenset(words_of("role_local_parts.txt"))
