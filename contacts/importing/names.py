"""Names of people: tidy, and a full name in two parts."""

import re

from common.addresses import SPACES

_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1f\x85\u2028\u2029]+")
_PARTICLES = frozenset(
    (
        "von",
        "van",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "das",
        "du",
        "le",
        "la",
        "ter",
        "ten",
        "bin",
        "ibn",
        "al",
        "el",
        "zu",
        "zum",
        "af",
        "av",
    )
)
_SUFFIX = re.compile(r",\s*(?:jr|sr|ii|iii|iv|phd|md|esq)\.?", re.IGNORECASE)


def tidy_name(text: str) -> str:
    """Without spaces around it and without line breaks; all else stays as it is."""
    if text.isprintable() and text[:1] != " " and text[-1:] != " ":
        return text
    return _BREAKS.sub(" ", text).strip(_AROUND)


def split_full_name(text: str) -> tuple[str, str]:
    """First and last name of `Ana de la Cruz`, `Cruz, Ana` or `Ana Lee, Jr.`

    The last word is the last name, with the small words before it (von, de la, dos) and the suffix behind
    it; a single word is a first name.
    """
    text = tidy_name(text)
    suffix = _SUFFIX.search(text)
    if suffix and suffix.end() == len(text):
        first, last = split_full_name(text[: suffix.start()])
        return first, f"{last}{text[suffix.start() :]}"
    if text.count(",") == 1:
        last, _, first = (part.strip() for part in text.partition(","))
        if first and last:
            return first, last
    words = text.split()
    if len(words) < 2:
        return text, ""
    at = len(words) - 1
    while at > 1 and (words[at - 1].islower() or words[at - 1].casefold() in _PARTICLES):
        at -= 1
    return " ".join(words[:at]), " ".join(words[at:])


_AROUND = SPACES.replace("\t", "")  # a tab before a value may be somebody's guard against formulas
