"""A tenant's contacts in figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from common.database import connection
from contacts.models import ContactStatus, Tag, ValidationState
from contacts.targeting import contact_counts
from contacts.validation.counting import validation_counts

_TOP_TAGS = 10
_GROWTH = """
SELECT count(*) FILTER (WHERE created_at >= %(today)s), count(*) FILTER (WHERE created_at >= %(week)s), count(*)
FROM contacts_contact WHERE created_at >= %(month)s
"""


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and how many contacts of any status have it."""

    id: int
    slug: str
    name: str
    contact_count: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Contacts that were made lately and are still there. Days are UTC; today is one of the seven and the thirty."""

    today: int
    last_7_days: int
    last_30_days: int


@dataclass(frozen=True, slots=True)
class ContactStatistics:
    """Contacts as they are now. `by_language` names the language, lower case; "unknown" where it is not known."""

    total: int
    mailable: int
    by_status: Mapping[str, int]
    by_validation: Mapping[str, int]
    by_language: Mapping[str, int]
    top_tags: tuple[TagCount, ...]
    growth: Growth


def contact_statistics() -> ContactStatistics:
    """Exact, from facets and tallies that every change of contacts is noted for."""
    counts, validations = contact_counts(), validation_counts()
    languages = sorted(counts.by_language.items(), key=lambda pair: (-pair[1], pair[0]))
    return ContactStatistics(
        total=sum(counts.by_status.values()),
        mailable=counts.mailable,
        by_status={status.value: counts.by_status.get(status.value, 0) for status in ContactStatus},
        by_validation={state.value: validations[state] for state in ValidationState},
        by_language={language or "unknown": count for language, count in languages},
        top_tags=_top_tags(counts.by_tag),
        growth=_growth(),
    )


def _top_tags(by_tag: Mapping[int, int]) -> tuple[TagCount, ...]:
    most = sorted(by_tag.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP_TAGS]
    known = Tag.objects.in_bulk([tag for tag, _ in most])
    return tuple(TagCount(tag, known[tag].slug, known[tag].name, count) for tag, count in most if tag in known)


def _growth() -> Growth:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    begins = {"today": today, "week": today - timedelta(days=6), "month": today - timedelta(days=29)}
    with connection.cursor() as cursor:
        cursor.execute(_GROWTH, begins)
        return Growth(*cursor.fetchone())
