"""All contacts that meet a filter, in the order of their ids, page by page.

Neither a cursor nor a snapshot is held while somebody downloads slowly: a contact that changes meanwhile is told as
it was when its page was read, and none is told twice.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet

from contacts.importing.spreadsheet import safe_cell
from contacts.models import Contact, ContactAttribute, Tag

_PAGE = 2_000
_COLUMNS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "language",
    "timezone",
    "country",
    "status",
    "tags",
    "source_id",
    "consent_at",
    "consent_ip",
    "consent_note",
    "created_at",
    "updated_at",
)


def contacts_csv(contacts: "QuerySet[Contact]") -> Iterator[str]:
    """The lines of a CSV file, some thousands at once: the contacts' own fields, then a column for each attribute.
    Safe to open in a spreadsheet."""
    keys = list(ContactAttribute.objects.order_by("key").values_list("key", flat=True))
    yield _csv([[*_COLUMNS, *keys]])
    for page, tags in contact_pages(contacts):
        yield _csv([_cells(contact, tags, keys) for contact in page])


def contact_pages(contacts: "QuerySet[Contact]") -> Iterator[tuple[list[Contact], Mapping[int, str]]]:
    """Contacts by the thousand with the slugs of their tags by id."""
    tags: dict[int, str] = {}
    after = 0
    while page := list(contacts.filter(pk__gt=after).order_by("pk")[:_PAGE]):
        after = page[-1].pk
        unknown = {tag for contact in page for tag in contact.tags} - tags.keys()
        if unknown:
            tags.update(Tag.objects.filter(pk__in=unknown).values_list("id", "slug"))
        yield page, tags
        if len(page) < _PAGE:
            return


def _csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _cells(contact: Contact, tags: Mapping[int, str], keys: Sequence[str]) -> list[str]:
    return [
        str(contact.pk),
        safe_cell(contact.email),
        safe_cell(contact.first_name),
        safe_cell(contact.last_name),
        contact.language,
        contact.timezone,
        safe_cell(contact.country),
        contact.status,
        ",".join(tags[tag] for tag in contact.tags if tag in tags),
        str(contact.source_id or ""),
        _moment(contact.consent_at),
        contact.consent_ip or "",
        safe_cell(contact.consent_note),
        _moment(contact.created_at),
        _moment(contact.updated_at),
        *(_value(contact.attributes.get(key)) for key in keys),
    ]


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_cell(value)
    return json.dumps(value, ensure_ascii=False)
