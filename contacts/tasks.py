"""The contacts' background work."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from common.errors import Conflict, LettershopError
from contacts.importing.pipeline import run_import
from contacts.models import Import
from contacts.services.imports import TASK, forget_file
from contacts.targeting.refreshing import refresh_later, refresh_task
from tenants.services.due import done_with, postpone
from tenants.tasks import OneTenantTask

__all__ = ["refresh_task", "run_import_task"]

# While an import runs, the tick need not try; after a crash it goes on no later than this.
_LOOK_AGAIN = timedelta(seconds=30)


@shared_task(base=OneTenantTask, name=TASK)
def run_import_task(run_id: int) -> str:
    """Begin an import or go on with it. What becomes of it stands in its row, where people see it."""
    postpone(task=TASK, reference=run_id, due_at=timezone.now() + _LOOK_AGAIN)
    try:
        state = str(run_import(run_id).state)
    except Conflict:
        return "running elsewhere"
    except LettershopError as error:
        state = error.code
    done_with(task=TASK, reference=run_id)
    refresh_later()
    for run in Import.objects.filter(pk=run_id):
        forget_file(run)
    return state
