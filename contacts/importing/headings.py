"""What a column's heading means to us, and the key of a column that we have no field for."""

import unicodedata
from functools import cache

from contacts.importing.fields import Field
from contacts.importing.heading_words import ATTRIBUTE_WORDS, WORDS


def field_of_heading(heading: str) -> tuple[Field, int] | None:
    """The field a heading means, and its rank among the words of that field: 0 is the surest."""
    return _known_words().get(normalised(heading))


def attribute_key(heading: str) -> str:
    """The key under which a column is kept: `Umsatz` gives `spent`, `Größe in cm` gives `grosse_in_cm`.

    Letters, digits and underscores, at most 63 of them, no digit first: what a mail's text can name.
    """
    known = _known_attributes().get(normalised(heading))
    if known:
        return known
    key = _squeezed(_without_accents(heading.casefold()))
    return key if is_attribute_key(key) else _squeezed(f"field_{key}")


def is_attribute_key(key: str) -> bool:
    """Whether a person may give an attribute this key."""
    return bool(key) and key == _squeezed(key.casefold()) and not key[0].isdigit() and key not in _TAKEN


def normalised(heading: str) -> str:
    """Letters and digits of a heading alone, without case and accents: how headings are compared."""
    flat = unicodedata.normalize("NFKD", heading.casefold())
    return "".join(char for char in flat if char.isalnum())


_LONGEST_KEY = 63
# Names that a mail's text already uses for the contact's own fields.
_TAKEN = frozenset(
    (
        "id",
        "email",
        "email_key",
        "first_name",
        "last_name",
        "full_name",
        "name",
        "language",
        "timezone",
        "country",
        "status",
        "tags",
        "attributes",
        "consent_at",
        "consent_ip",
        "created_at",
        "updated_at",
    )
)


def _without_accents(text: str) -> str:
    """Of Latin letters only: in other scripts the marks are part of the word."""
    flat = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in flat if not unicodedata.combining(char))
    return plain if plain.isascii() else unicodedata.normalize("NFKC", text)


def _squeezed(text: str) -> str:
    kept = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
    return "_".join(kept.split())[:_LONGEST_KEY].rstrip("_")


@cache
def _known_words() -> dict[str, tuple[Field, int]]:
    known: dict[str, tuple[Field, int]] = {}
    for field, words in WORDS.items():
        for rank, word in enumerate(words.split(",")):
            known.setdefault(normalised(word), (field, rank))
    return known


@cache
def _known_attributes() -> dict[str, str]:
    return {normalised(word): key for key, words in ATTRIBUTE_WORDS.items() for word in words.split(",")}
