"""From slugs to ids. A word that nobody knows is refused, never taken for "no such contacts"."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from common.errors import InvalidInput
from contacts.models import ContactAttribute, Tag
from contacts.targeting.audience import AttributeIs, Audience, Condition, Operator

COLUMNS = frozenset({"first_name", "last_name", "country", "timezone"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """An audience whose words are known to exist."""

    tags_all: tuple[int, ...]
    tags_any: tuple[int, ...]
    exclude_tags: tuple[int, ...]
    language: str
    attributes: tuple[AttributeIs, ...]
    within: Condition | None = None


def resolve(audience: Audience) -> Resolved:
    """Raises InvalidInput that names the unknown tag or attribute and the ones that look like it."""
    asked = {*audience.tags_all, *audience.tags_any, *audience.exclude_tags}
    known = _known(asked)
    return Resolved(
        tags_all=_ids("tags_all", audience.tags_all, known),
        tags_any=_ids("tags_any", audience.tags_any, known),
        exclude_tags=_ids("exclude_tags", audience.exclude_tags, known),
        language=audience.language.strip().replace("_", "-").lower(),
        attributes=_checked(audience.attributes),
        within=audience.within,
    )


def tag_ids(field: str, slugs: Iterable[str]) -> list[int]:
    """The ids of tags, sorted. Raises InvalidInput at `field` for one that does not exist."""
    given = tuple(slugs)
    return list(_ids(field, given, _known(set(given))))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with up to three known words that look like `word`."""
    close = get_close_matches(word.lower(), list(known), n=3, cutoff=0.65)
    return f"Did you mean {' or '.join(repr(match) for match in close)}?" if close else None


def _known(slugs: set[str]) -> dict[str, int]:
    return dict(Tag.objects.filter(slug__in=slugs).values_list("slug", "id")) if slugs else {}


def _ids(field: str, slugs: tuple[str, ...], known: dict[str, int]) -> tuple[int, ...]:
    for slug in slugs:
        if slug not in known:
            hint = did_you_mean(slug, Tag.objects.values_list("slug", flat=True))
            raise InvalidInput(f"There is no tag {slug!r}.", field=field, hint=hint)
    return tuple(sorted({known[slug] for slug in slugs}))


def _checked(conditions: tuple[AttributeIs, ...]) -> tuple[AttributeIs, ...]:
    asked = {condition.key for condition in conditions} - COLUMNS
    known = set(ContactAttribute.objects.values_list("key", flat=True)) if asked else set()
    for key in sorted(asked - known):
        raise InvalidInput(
            f"Contacts have no attribute {key!r}.", field="attributes", hint=did_you_mean(key, known | COLUMNS)
        )
    for condition in conditions:
        needs_value = condition.op not in (Operator.IS_SET, Operator.IS_NOT_SET)
        if needs_value and condition.value is None:
            raise InvalidInput(f"The condition on {condition.key!r} has no value.", field="attributes")
    return conditions
