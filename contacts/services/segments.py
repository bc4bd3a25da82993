"""Segments: made, changed, counted, looked into."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from psycopg import errors

from common.database import connection
from common.errors import Conflict, InvalidInput, NotFound, Unavailable
from contacts.models import Contact, Segment
from contacts.segments import Behaviour, Resolved, Size, count_contacts, find_contacts, parse_tree, resolve_tree

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2_000
SAMPLE = 20
_TRY_SECONDS = 5
_COUNT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """A tree that nobody saved yet: its size, its newest contacts, and the milliseconds that took."""

    size: Size
    sample: list[Contact]
    took_ms: float


def create_segment(*, name: str, tree: object, behaviour: Behaviour, description: str = "") -> Segment:
    """Make one. Raises InvalidInput (for the tree at `tree.…`), and Conflict for a name that is taken."""
    resolved_tree(tree, behaviour=behaviour)
    return _saved(Segment(name=_checked_name(name), description=_checked_description(description), tree=tree))


def update_segment(
    *,
    segment: Segment,
    behaviour: Behaviour,
    name: str | None = None,
    description: str | None = None,
    tree: object = None,
) -> Segment:
    """Change what is given. Raises what `create_segment` does. Campaigns that aim at it are sent to what it is then."""
    if tree is not None:
        resolved_tree(tree, behaviour=behaviour)
    with transaction.atomic():
        held = Segment.objects.select_for_update().filter(pk=segment.pk).first()
        if held is None:
            raise Conflict("This segment was removed meanwhile.")
        held.name = _checked_name(name) if name is not None else held.name
        held.description = _checked_description(description) if description is not None else held.description
        if tree is not None and tree != held.tree:
            held.tree, held.last_count, held.last_mailable, held.counted_at = tree, None, None, None
        return _saved(held)


def delete_segment(*, segment: Segment) -> None:
    """Raises Conflict while a campaign, sent or not, is aimed at it."""
    try:
        Segment.objects.filter(pk=segment.pk).delete()
    except ProtectedError as error:
        names = sorted({str(one) for one in error.protected_objects})[:3]
        message = f"“{segment.name}” is used by {', '.join(f'“{name}”' for name in names)}."
        raise Conflict(message, hint="Aim these at something else, or delete them, before you delete it.") from error


def get_segment(segment_id: int) -> Segment:
    """Raises NotFound."""
    found = Segment.objects.filter(pk=segment_id).first()
    if found is None:
        raise NotFound("There is no such segment.")
    return found


def list_segments(*, limit: int, before: int | None = None) -> list[Segment]:
    """Up to `limit`, the newest first; only ids below `before`, where it is given."""
    found = Segment.objects.order_by("-id")
    return list((found if before is None else found.filter(pk__lt=before))[:limit])


def count_segment(*, segment: Segment, behaviour: Behaviour) -> Segment:
    """Count it and remember that. Raises InvalidInput where it speaks of what is no longer there, and Unavailable."""
    tree = resolved_tree(segment.tree, behaviour=behaviour)
    with _time_limit(_COUNT_SECONDS):
        size = count_contacts(tree)
    segment.last_count, segment.last_mailable, segment.counted_at = size.matching, size.mailable, timezone.now()
    # Only while it is the tree that was counted.
    Segment.objects.filter(pk=segment.pk, tree=segment.tree).update(
        last_count=size.matching, last_mailable=size.mailable, counted_at=segment.counted_at
    )
    return segment


def contacts_of_segment(
    *, segment: Segment, behaviour: Behaviour, limit: int, before: int | None = None
) -> list[Contact]:
    """Up to `limit` of its contacts, mailable or not, the newest first. Raises what `count_segment` does."""
    tree = resolved_tree(segment.tree, behaviour=behaviour)
    with _time_limit(_COUNT_SECONDS):
        return find_contacts(tree, limit=limit, before=before)


def try_tree(*, tree: object, behaviour: Behaviour) -> Tried:
    """Count a tree and show some of its contacts. Raises InvalidInput, and Unavailable after five seconds."""
    began = time.perf_counter()
    resolved = resolved_tree(tree, behaviour=behaviour)
    with _time_limit(_TRY_SECONDS):
        size = count_contacts(resolved)
        sample = find_contacts(resolved, limit=SAMPLE) if size.matching else []
    return Tried(size, sample, round((time.perf_counter() - began) * 1000, 1))


def resolved_tree(tree: object, *, behaviour: Behaviour) -> Resolved:
    """The tree as of now. Raises InvalidInput at `tree.…`."""
    return resolve_tree(parse_tree(tree, place="tree"), behaviour=behaviour, now=timezone.now())


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """For the statements inside, each. Raises Unavailable when one takes longer."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            [before] = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds}s"])
            yield
            # The transaction may be only a part of a longer one.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        hint = "Add a tag or another narrow condition, or name a campaign or a number of days."
        raise Unavailable(f"This takes more than {seconds} seconds to count.", field="tree", hint=hint) from error


def _saved(segment: Segment) -> Segment:
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError as error:
        raise Conflict(f"There is a segment “{segment.name}” already.", field="name") from error
    return segment


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(f"A segment needs a name of up to {LONGEST_NAME} characters.", field="name")
    return name


def _checked_description(text: str) -> str:
    if len(text) > LONGEST_DESCRIPTION:
        message = f"A description has up to {LONGEST_DESCRIPTION} characters."
        raise InvalidInput(message, field="description")
    return text.strip()
