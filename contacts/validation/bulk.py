"""Asking for many contacts to be checked."""

from collections.abc import Collection
from dataclasses import dataclass

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import Max

from common.database import connection
from common.errors import Conflict, InvalidInput, NotFound
from contacts.models import Contact, Tag, ValidationRun, ValidationState
from contacts.targeting import tag_ids
from contacts.validation.counting import validation_counts
from tenants.services.due import note_due

TASK = "contacts.validation.run"
MOST_IDS = 10_000


@dataclass(frozen=True, slots=True)
class Queued:
    """How many contacts will be looked at, and the run that does it: None where there is nobody."""

    count: int
    run: ValidationRun | None = None


def validate_contacts_bulk(
    *, contact_ids: Collection[int] | None = None, limit: int | None = None, tag_invalid: str = ""
) -> Queued:
    """Have the named contacts checked, whatever was known of them; or all that are pending, `limit` of them at most.

    A worker of the queue `validation` does it. `tag_invalid` is the slug of a tag that is put on contacts found invalid
    and taken off the others: campaigns leave them out by it. Raises NotFound for ids that are no contact's, InvalidInput
    (unknown tag, too many ids, both ids and a limit), and Conflict while the pending ones are being checked already.
    """
    if contact_ids is not None and limit is not None:
        raise InvalidInput("A limit is for all pending contacts, not for named ones.", field="limit")
    tag = Tag.objects.get(pk=tag_ids("tag_invalid", [tag_invalid])[0]) if tag_invalid else None
    run = _of_all(limit) if contact_ids is None else _of_named(contact_ids)
    if run is None:
        return Queued(0)
    run.tag = tag
    try:
        with transaction.atomic():
            run.save()
            _enqueue(run.pk)
    except IntegrityError as error:
        raise Conflict("The pending contacts are being checked already.", hint="See how far it is.") from error
    return Queued(run.total, run)


def _of_all(limit: int | None) -> ValidationRun | None:
    pending = validation_counts()[ValidationState.PENDING]
    last = Contact.objects.aggregate(last=Max("id"))["last"]
    if pending <= 0 or last is None:
        return None
    total = pending if limit is None else min(pending, limit)
    return ValidationRun(of_all=True, total=total, most=limit, last_id=last)


def _of_named(contact_ids: Collection[int]) -> ValidationRun | None:
    wanted = sorted(set(contact_ids))
    if len(wanted) > MOST_IDS:
        raise InvalidInput(f"At most {MOST_IDS:,} contacts can be named at once.", field="contact_ids")
    found = set(Contact.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    missing = [str(pk) for pk in wanted if pk not in found]
    if missing:
        raise NotFound(f"There is no contact {', '.join(missing[:5])}.", field="contact_ids")
    if not wanted:
        return None
    return ValidationRun(of_all=False, contact_ids=wanted, total=len(wanted), last_id=wanted[-1])


def _enqueue(run_id: int) -> None:
    """A row for the tick, which survives a lost broker, and a task at once."""
    note_due(task=TASK, reference=run_id)
    schema = connection.schema_name
    transaction.on_commit(
        lambda: current_app.send_task(TASK, args=[run_id], headers={"_schema_name": schema}, expires=60), robust=True
    )
