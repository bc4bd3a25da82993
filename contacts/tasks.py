"""The contacts' background work."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from common.errors import Conflict, LettershopError
from contacts.importing.pipeline import run_import
from contacts.models import Import
from contacts.services.imports import TASK, forget_file, is_queued
from contacts.sources.counting import sum_up_sources
from contacts.sources.tasks import sync_source_task, sync_when_due_task
from contacts.targeting.refreshing import refresh_later, refresh_task
from contacts.validation.bulk import TASK as VALIDATION_TASK
from contacts.validation.counting import fold_counts_task
from contacts.validation.running import run_validation
from tenants.services.due import done_with, postpone
from tenants.tasks import OneTenantTask

__all__ = [
    "fold_counts_task",
    "refresh_task",
    "run_import_task",
    "run_validation_task",
    "sum_up_sources",
    "sync_source_task",
    "sync_when_due_task",
]

# While an import runs, the tick need not try; after a crash it goes on no later than this.
_LOOK_AGAIN = timedelta(seconds=30)
_VALIDATION_SECONDS = 30.0


@shared_task(base=OneTenantTask, name=TASK)
def run_import_task(run_id: int) -> str:
    """Begin an import or go on with it. What becomes of it stands in its row, where people see it."""
    postpone(task=TASK, reference=run_id, due_at=timezone.now() + _LOOK_AGAIN)
    try:
        state = str(run_import(run_id, wanted=lambda: is_queued(run_id)).state)
    except Conflict:
        return "running elsewhere"
    except LettershopError as error:
        state = error.code
    done_with(task=TASK, reference=run_id)
    refresh_later()
    for run in Import.objects.filter(pk=run_id):
        forget_file(run)
    return state


@shared_task(base=OneTenantTask, name=VALIDATION_TASK, bind=True)
def run_validation_task(self: OneTenantTask, run_id: int) -> str:
    """Check contacts for one slice; when more is left, stand at the end of the queue again so that others have their turn."""
    try:
        again = run_validation(run_id, seconds=_VALIDATION_SECONDS)
    except Conflict:
        return "running elsewhere"
    if again:
        self.apply_async(args=[run_id], expires=60)
    return "more" if again else "done"
