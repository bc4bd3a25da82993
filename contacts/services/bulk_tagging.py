"""Tags put on many contacts, or taken off them, in one statement."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from common.addresses import parse_address
from common.database import connection
from common.errors import InvalidInput
from contacts.models import Contact
from contacts.targeting import refresh_later, tag_ids

MOST_CONTACTS = 10_000  # named one by one
_KEEP_TAGS = "SELECT id FROM contacts_tag WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"

# Contacts are locked in the order of their ids, so that two of these statements never wait for each other in turn.
_CHANGE = """
WITH held AS MATERIALIZED (
    SELECT id FROM contacts_contact WHERE id IN ({chosen}) AND {lacking} ORDER BY id FOR NO KEY UPDATE
)
UPDATE contacts_contact c SET tags = {tags}, updated_at = now() FROM held WHERE c.id = held.id
"""
_LACKS_ONE, _HAS_ONE = "NOT tags @> %s::int[]", "tags && %s::int[]"
_WITH = "ARRAY(SELECT DISTINCT t FROM unnest(c.tags || %s::int[]) t ORDER BY t)"
_WITHOUT = "ARRAY(SELECT t FROM unnest(c.tags) t WHERE t <> ALL(%s::int[]) ORDER BY t)"


def contacts_named(*, ids: Sequence[int] = (), emails: Sequence[str] = ()) -> "QuerySet[Contact]":
    """Contacts by ids and by addresses; those that are not there are passed over. Raises InvalidInput, InvalidAddress."""
    if len(ids) + len(emails) > MOST_CONTACTS:
        raise InvalidInput(f"At most {MOST_CONTACTS:,} contacts can be named.", field="contact_ids")
    if emails:
        return Contact.objects.filter(email_key__in=[parse_address(email).key for email in emails])
    return Contact.objects.filter(pk__in=ids)


def put_tags(*, contacts: "QuerySet[Contact]", tags: Sequence[str]) -> int:
    """Put tags (slugs) on contacts; returns how many lacked one of them. Raises InvalidInput for an unknown tag."""
    return _change(contacts, tags, _LACKS_ONE, _WITH)


def take_tags(*, contacts: "QuerySet[Contact]", tags: Sequence[str]) -> int:
    """Take tags (slugs) off contacts; returns how many had one of them. Raises InvalidInput for an unknown tag."""
    return _change(contacts, tags, _HAS_ONE, _WITHOUT)


def _change(contacts: "QuerySet[Contact]", slugs: Sequence[str], lacking: str, tags: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        ids = tag_ids("tags", slugs)
        cursor.execute(_KEEP_TAGS, [ids])
        if len(cursor.fetchall()) != len(ids):
            raise InvalidInput("One of these tags was removed just now.", field="tags")
        chosen, parameters = contacts.order_by().values("pk").query.sql_with_params()
        cursor.execute(_CHANGE.format(chosen=chosen, lacking=lacking, tags=tags), [*parameters, ids, ids])
        changed = int(cursor.rowcount)
    if changed:
        refresh_later()
    return changed
