"""Tags: made, renamed, removed, and put on contacts."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from common.database import connection
from common.errors import Conflict, InvalidInput
from contacts.importing.tag_ids import tag_slug
from contacts.importing.tag_lists import LONGEST_TAG
from contacts.models import Tag

# Contacts are locked in the order of their ids, so that two of these statements never wait for each other in turn.
_CHANGE = """
WITH held AS MATERIALIZED (
    SELECT id FROM contacts_contact WHERE {which} ORDER BY id FOR NO KEY UPDATE
)
UPDATE contacts_contact c SET tags = {tags}, updated_at = now() FROM held WHERE c.id = held.id
"""
_ADD = _CHANGE.format(
    which="id = ANY(%(ids)s) AND NOT tags @> ARRAY[%(tag)s]::int[]",
    tags="(SELECT array_agg(t ORDER BY t) FROM unnest(c.tags || %(tag)s::int) AS t)",
)
_REMOVE = _CHANGE.format(
    which="id = ANY(%(ids)s) AND tags @> ARRAY[%(tag)s]::int[]", tags="array_remove(c.tags, %(tag)s::int)"
)
_REMOVE_EVERYWHERE = _CHANGE.format(which="tags @> ARRAY[%(tag)s]::int[]", tags="array_remove(c.tags, %(tag)s::int)")


def create_tag(*, name: str, slug: str = "", description: str = "") -> Tag:
    """Make a tag; its slug is made from the name when left out. Raises InvalidInput, or Conflict when it exists.

    A slug is what an import makes of the same word, so that both mean one tag.
    """
    name = _checked_name(name)
    slug = slug.strip().lower() or tag_slug(name)
    if len(slug) > LONGEST_TAG or slug != tag_slug(slug):
        raise InvalidInput(
            f"{slug[:LONGEST_TAG]!r} cannot be a tag's slug.",
            field="slug",
            hint=f"Use up to 80 letters, digits, - and _, for instance {tag_slug(slug)!r}.",
        )
    try:
        with transaction.atomic():
            return Tag.objects.create(name=name, slug=slug, description=description.strip())
    except IntegrityError as error:
        raise Conflict(f"There is a tag {slug!r} already.", field="slug") from error


def update_tag(*, tag: Tag, name: str | None = None, description: str | None = None) -> Tag:
    """Rename or describe it. Its slug stays: campaigns are aimed by it. Raises InvalidInput."""
    if name is not None:
        tag.name = _checked_name(name)
    if description is not None:
        tag.description = description.strip()
    tag.save(update_fields=["name", "description"])
    return tag


def delete_tag(*, tag: Tag) -> int:
    """Remove the tag and take it off everybody who has it; returns how many had it.

    Drafts that are aimed by it are refused when they are to be sent, with the tag's name.
    """
    with transaction.atomic():
        Tag.objects.select_for_update().filter(pk=tag.pk).first()
        changed = _execute(_REMOVE_EVERYWHERE, {"tag": tag.pk})
        Tag.objects.filter(pk=tag.pk).delete()
    return changed


def tag_contacts(*, tag: Tag, contact_ids: Iterable[int]) -> int:
    """Put the tag on contacts; returns how many did not have it."""
    return _execute(_ADD, {"tag": tag.pk, "ids": list(contact_ids)})


def untag_contacts(*, tag: Tag, contact_ids: Iterable[int]) -> int:
    """Take the tag off contacts; returns how many had it."""
    return _execute(_REMOVE, {"tag": tag.pk, "ids": list(contact_ids)})


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise InvalidInput("A tag needs a name of up to 120 characters.", field="name")
    return name


def _execute(statement: str, parameters: dict[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
