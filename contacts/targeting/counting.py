"""How many: exact at any time, a few milliseconds where the facets are fresh."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from common.database import connection
from contacts.targeting.audience import AttributeIs, Audience, Parameters
from contacts.targeting.buckets import ABOUT_ONE_VALUE
from contacts.targeting.conditions import where
from contacts.targeting.facets import count_query, every_kind_query, keys_asked, kind_query, language_query
from contacts.targeting.refreshing import TASK
from contacts.targeting.resolving import COLUMNS, Resolved, resolve
from tenants.services.due import note_due

# With more stale blocks or contacts than these, a count is slow enough to be noticed.
_MANY_BLOCKS = 20
_MANY_CONTACTS = 5_000


def count_audience(audience: Audience) -> int:
    """How many contacts it has now. Raises InvalidInput for unknown tags and attributes."""
    resolved = resolve(audience)
    parameters = Parameters()
    if not _has_facets(resolved):
        query = sql.SQL("SELECT count(*) FROM contacts_contact c WHERE {}").format(where(resolved, parameters))
        return int(_rows(query, parameters)[0][0])
    note_stale()
    return int(_rows(count_query(resolved, parameters), parameters)[0][0])


def count_by_language(audience: Audience) -> dict[str, int]:
    """Its contacts by language: "" is unknown. Raises InvalidInput."""
    resolved = resolve(audience)
    parameters = Parameters()
    if _has_facets(resolved):
        query = language_query(resolved, parameters)
    else:
        query = sql.SQL("SELECT lower(c.language), count(*) FROM contacts_contact c WHERE {} GROUP BY 1").format(
            where(resolved, parameters)
        )
    return {language: int(count) for language, count in _rows(query, parameters)}


def tag_counts() -> dict[int, int]:
    """Contacts of any status by tag id; a tag that nobody has is left out."""
    return {int(tag): int(count) for tag, count in _rows(kind_query("tag"))}


def status_counts() -> dict[str, int]:
    """All contacts by status."""
    return {status: int(count) for status, count in _rows(kind_query("status"))}


def language_counts() -> dict[str, int]:
    """All contacts by language, in lower case: "" is unknown."""
    return {language: int(count) for language, count in _rows(kind_query("language"))}


@dataclass(frozen=True, slots=True)
class ContactCounts:
    """Contacts, by what they are: `mailable` are active and on no suppression list; the rest counts everybody."""

    mailable: int
    by_status: dict[str, int]
    by_language: dict[str, int]
    by_tag: dict[int, int]


def contact_counts() -> ContactCounts:
    """All of the above in one statement: a page that shows them all need not go through the facets once for each."""
    note_stale()
    kinds: dict[str, dict[str, int]] = {"m": {}, "s": {}, "l": {}, "t": {}}
    for facet, count in _rows(every_kind_query()):
        kinds[facet[0]][facet[2:]] = int(count)
    by_tag = {int(tag): count for tag, count in kinds["t"].items()}
    return ContactCounts(kinds["m"].get("", 0), kinds["s"], kinds["l"], by_tag)


def facets_answer(conditions: Iterable[AttributeIs]) -> bool:
    """Whether nearly all blocks have facets that answer them; else the contacts' own indexes are faster.

    Buckets of values do not tell much about one of them.
    """
    asked = list(conditions)
    if any(condition.key in COLUMNS for condition in asked):
        return False
    keys = keys_asked(asked)
    if not keys:
        return True
    single = [f"b:{condition.key}" for condition in asked if condition.op in ABOUT_ONE_VALUE]
    found = dict(
        _rows(
            sql.SQL("SELECT facet, count(*) FROM contacts_facet WHERE facet = ANY(%(facets)s) GROUP BY 1"),
            {"facets": ["*", *single, *(f"k:{key}" for key in keys)]},
        )
    )
    complete = all(found.get(f"k:{key}", 0) >= 0.95 * found.get("*", 0) for key in keys)
    return complete and not any(facet in found for facet in single)


def note_stale() -> None:
    """Ask for a rebuild where many contacts have changed since the last."""
    query = sql.SQL(
        "SELECT count(*) FILTER (WHERE id IS NULL AND email_key IS NULL), count(*)"
        " FROM (SELECT id, email_key FROM contacts_stale LIMIT {}) s"
    )
    [(blocks, notes)] = _rows(query.format(_MANY_CONTACTS))
    if blocks >= _MANY_BLOCKS or notes >= _MANY_CONTACTS:
        note_due(task=TASK, reference=0)


def _has_facets(audience: Resolved) -> bool:
    return audience.within is None and facets_answer(audience.attributes)


def _rows(query: sql.Composable, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())
