"""Asking for a sync: by hand, or when it is time."""

from datetime import timedelta

from celery import current_app
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.database import connection
from common.errors import Conflict, NotFound
from contacts.models import DataSource, SourceRun
from contacts.sources.config import read_config
from tenants.services.due import done_with, note_due, postpone

SYNC_TASK = "contacts.sync_source"
SCHEDULE_TASK = "contacts.sync_when_due"
_RUNS_KEPT = 1000


def request_sync(source: DataSource, *, force: bool = False) -> SourceRun:
    """Note down a sync, which a worker begins at once. It asks for what changed since the last one, or goes on where a
    failed one stopped; with `force` it begins anew and asks for everything.

    Raises Conflict while one is waiting or running, and for a source that has nothing to ask or is switched off;
    NotFound when it was removed meanwhile.
    """
    try:
        with transaction.atomic():
            # Locked, so that its secret and where it is sent are not changed between reading the one and the other.
            held = DataSource.objects.select_for_update().filter(pk=source.pk).first()
            if held is None:
                raise NotFound("There is no such data source.", field="source_id")
            _check_can_sync(held)
            run = _new_run(held, force)
            run.save()
            _forget_oldest(held)
            _enqueue(run.pk)
    except IntegrityError as error:
        raise Conflict(
            f"{source.name} is being synced already.", hint="Wait until it is done; its runs tell how far it is."
        ) from error
    return run


def schedule(source: DataSource) -> None:
    """Put the source's next sync on the list, or take it off."""
    minutes = read_config(source.type, source.config).interval_minutes
    if not (minutes and source.is_active):
        done_with(task=SCHEDULE_TASK, reference=source.pk)
        return
    due_at = timezone.now() + timedelta(minutes=minutes)
    note_due(task=SCHEDULE_TASK, reference=source.pk, due_at=due_at)
    postpone(task=SCHEDULE_TASK, reference=source.pk, due_at=due_at)


def sync_when_due(source_id: int) -> SourceRun | None:
    """Its time has come: ask for a sync and put the next one on the list. None where there is nothing to begin."""
    source = DataSource.objects.filter(pk=source_id).first()
    if source is None:
        done_with(task=SCHEDULE_TASK, reference=source_id)
        return None
    with transaction.atomic():
        schedule(source)
        try:
            return request_sync(source)
        except Conflict:  # the one before still runs
            return None


def _check_can_sync(source: DataSource) -> None:
    if source.type == DataSource.Type.MANUAL:
        raise Conflict(f"{source.name} is filled by hand.", hint="Contacts come into it through the contacts API.")
    if not source.config.get("url"):
        hint = (
            "Upload a file as an import, or give it a URL." if source.type == DataSource.Type.CSV else "Give it a URL."
        )
        raise Conflict(f"{source.name} has no URL to sync from.", hint=hint)
    if not source.is_active:
        raise Conflict(f"{source.name} is switched off.", hint="Set is_active to true first.")


def _new_run(source: DataSource, force: bool) -> SourceRun:
    run = SourceRun(source=source, force=force, config=source.config, since="" if force else source.high_water)
    run.high_water = run.since
    last = SourceRun.objects.filter(source=source).order_by("-id").first()
    if not force and last and last.state == SourceRun.State.FAILED and last.position and last.config == source.config:
        run.force, run.position, run.since, run.high_water = last.force, last.position, last.since, last.high_water
    return run


def _forget_oldest(source: DataSource) -> None:
    """A source that is synced every few minutes would gather runs without end."""
    oldest = SourceRun.objects.filter(source=source).order_by("-id").values_list("pk", flat=True)[_RUNS_KEPT:].first()
    if oldest is not None:
        SourceRun.objects.filter(source=source, pk__lte=oldest).delete()


def _enqueue(run_id: int) -> None:
    """A row for the tick, which survives a lost broker, and a task at once."""
    note_due(task=SYNC_TASK, reference=run_id)
    schema = connection.schema_name
    transaction.on_commit(
        lambda: current_app.send_task(SYNC_TASK, args=[run_id], headers={"_schema_name": schema}, expires=60),
        robust=True,
    )
