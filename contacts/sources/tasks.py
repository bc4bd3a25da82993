"""The syncs' background work."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from common.errors import Conflict
from contacts.sources.requesting import SCHEDULE_TASK, SYNC_TASK, sync_when_due
from contacts.sources.running import run_sync
from tenants.services.due import done_with, postpone
from tenants.tasks import OneTenantTask

# While a sync runs, the tick need not try; after a crash it goes on no later than this.
_LOOK_AGAIN = timedelta(seconds=30)


@shared_task(base=OneTenantTask, name=SYNC_TASK, bind=True)
def sync_source_task(self: OneTenantTask, run_id: int) -> str:
    """A turn of a sync; when more is left, stand at the end of the queue again so that others have their turn."""
    postpone(task=SYNC_TASK, reference=run_id, due_at=timezone.now() + _LOOK_AGAIN)
    try:
        turn = run_sync(run_id)
    except Conflict:
        return "running elsewhere"
    if turn.wait is None:
        done_with(task=SYNC_TASK, reference=run_id)
    elif turn.wait > 0:
        postpone(task=SYNC_TASK, reference=run_id, due_at=timezone.now() + timedelta(seconds=turn.wait))
    else:
        self.apply_async(args=[run_id], expires=60)
    return turn.state


@shared_task(base=OneTenantTask, name=SCHEDULE_TASK)
def sync_when_due_task(source_id: int) -> str:
    """Started by the tick when a source's interval has passed."""
    return "begun" if sync_when_due(source_id) else "nothing to begin"
