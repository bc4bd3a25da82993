"""Looking for contacts: of any status, by what a program or a person asks about them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Max, Q, QuerySet

from common.errors import InvalidInput
from contacts.importing.places import country_in_cell
from contacts.models import AttributeType, Contact, ContactAttribute, ContactStatus
from contacts.services.details import attributes_json, checked_language, checked_value
from contacts.targeting import did_you_mean, language_counts, status_counts, tag_counts, tag_ids

# Ids in which a page is looked for first: reading them all takes a few milliseconds.
_NEWEST = 10_000
# To find a row by an index and sort it takes as long as passing so many rows by.
_FOUND_COSTS = 5


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """Everything that is said must hold; what is left empty says nothing.

    `q` is the beginning of an address, a first or a last name, whatever its case. Tags are slugs: all of `tags`,
    one of `tags_any`, none of `exclude_tags`. `language` "fr" means fr-ca too. `attributes` must be equal, each
    within its type; a text stands for the number or answer it spells.
    """

    q: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    language: str = ""
    country: str = ""
    source_id: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)


def find_contacts(wanted: ContactFilter) -> "QuerySet[Contact]":
    """The contacts that meet the filter, in no order. Raises InvalidInput for unknown words."""
    return Contact.objects.filter(
        *_by_text(wanted), *_by_tags(wanted), *_by_place(wanted), *_by_time(wanted), *_by_attributes(wanted.attributes)
    )


def newest_contacts(wanted: ContactFilter, *, before: int | None = None, limit: int) -> list[Contact]:
    """Up to `limit` contacts that meet the filter, the newest first; of those with a lower id than `before`, if it is given.

    Up to four queries, whatever there is. Raises InvalidInput for unknown words.
    """
    found = find_contacts(wanted)
    if wanted == ContactFilter(status=wanted.status):  # which has an index in this order
        found = found if before is None else found.filter(pk__lt=before)
        return list(found.order_by("-pk")[:limit])
    return newest_of(found, before=before, limit=limit)


def newest_of(found: "QuerySet[Contact]", *, before: int | None = None, limit: int) -> list[Contact]:
    """The same for contacts that were found in another way.

    Whether a filter is met often or hardly ever is not left to PostgreSQL's guess: where it takes a rare tag for a common one,
    it reads all contacts from the newest on.
    """
    top = (Contact.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1
    if before is not None:
        top, found = min(top, before), found.filter(pk__lt=before)
    page = _down_to(top - _NEWEST, found, limit)
    if len(page) == limit or top <= _NEWEST:
        return page
    # As often as here, it would be met so often in all, and a full page would reach so far down.
    in_all, reach = len(page) * top // _NEWEST, 2 * limit * _NEWEST // max(1, len(page))
    if reach < in_all * _FOUND_COSTS:
        page = _down_to(top - reach, found, limit)
        if len(page) == limit or top <= reach:
            return page
    # Rare, then: a sum is in no index's order, so that they are found first and sorted afterwards.
    return list(found.order_by((F("pk") + 0).desc())[:limit])


def _down_to(lowest: int, found: "QuerySet[Contact]", limit: int) -> list[Contact]:
    return list(found.filter(pk__gte=lowest).order_by("-pk")[:limit])


def count_contacts(wanted: ContactFilter) -> int:
    """How many there are now, exactly. A few milliseconds for everybody, a status, a tag or a language; else it
    counts the contacts that are met."""
    language = checked_language(wanted.language)
    if wanted == ContactFilter():
        return sum(status_counts().values())
    if wanted == ContactFilter(status=wanted.status):
        return status_counts().get(wanted.status, 0)
    if wanted == ContactFilter(language=wanted.language):
        return sum(count for each, count in language_counts().items() if f"{each}-".startswith(f"{language}-"))
    if wanted == ContactFilter(tags=wanted.tags) and len(wanted.tags) == 1:
        return tag_counts().get(tag_ids("tag", wanted.tags)[0], 0)
    return find_contacts(wanted).count()


def _by_text(wanted: ContactFilter) -> list[Q]:
    given = wanted.q.strip()
    if not given:
        return []
    names = Q(first_name__istartswith=given) | Q(last_name__istartswith=given)
    return [names | Q(email_key__startswith=given.lower())]


def _by_tags(wanted: ContactFilter) -> list[Q]:
    conditions = []
    if wanted.tags:
        conditions.append(Q(tags__contains=tag_ids("tag", wanted.tags)))
    if wanted.tags_any:
        conditions.append(Q(tags__overlap=tag_ids("tag_any", wanted.tags_any)))
    if wanted.exclude_tags:
        conditions.append(~Q(tags__overlap=tag_ids("exclude_tag", wanted.exclude_tags)))
    return conditions


def _by_place(wanted: ContactFilter) -> list[Q]:
    conditions = []
    if wanted.status:
        if wanted.status not in ContactStatus.values:
            hint = f"There are: {', '.join(ContactStatus.values)}."
            raise InvalidInput(f"There is no status {wanted.status!r}.", field="status", hint=hint)
        conditions.append(Q(status=wanted.status))
    if wanted.language:
        language = checked_language(wanted.language)
        conditions.append(Q(language=language) | Q(language__startswith=f"{language}-"))
    if wanted.country:
        conditions.append(Q(country__in=sorted({wanted.country.strip(), country_in_cell(wanted.country)})))
    if wanted.source_id is not None:
        conditions.append(Q(source_id=wanted.source_id))
    return conditions


def _by_time(wanted: ContactFilter) -> list[Q]:
    asked = {
        "created_at__gt": wanted.created_after,
        "created_at__lt": wanted.created_before,
        "updated_at__gt": wanted.updated_after,
    }
    return [Q(**{name: moment}) for name, moment in asked.items() if moment is not None]


def _by_attributes(asked: Mapping[str, object]) -> list[Q]:
    if not asked:
        return []
    attributes_json(asked)
    types = dict(ContactAttribute.objects.filter(key__in=list(asked)).values_list("key", "type"))
    for key in asked:
        if key not in types:
            hint = did_you_mean(key, ContactAttribute.objects.values_list("key", flat=True))
            raise InvalidInput(f"Contacts have no attribute {key[:80]!r}.", field=f"attribute.{key[:80]}", hint=hint)
    wanted = {key: _typed(key, types[key], value) for key, value in asked.items()}
    return [Q(attributes__contains=wanted)]


def _typed(key: str, kind: str, value: object) -> object:
    """A text from a query is read as the attribute's type says."""
    if isinstance(value, str) and kind in (AttributeType.NUMBER, AttributeType.BOOLEAN, AttributeType.JSON):
        value = _spelled(key, value.lower() if kind == AttributeType.BOOLEAN else value)
    attributes_json({key: value})
    return checked_value(key, kind, value)


def _spelled(key: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{text[:80]!r} is no value of {key!r}.", field=f"attribute.{key}") from None
