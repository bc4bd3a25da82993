"""The `campaigns` queue: each task is one worker's turn on one message."""

import multiprocessing
from multiprocessing.synchronize import Event

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from outbound.services.working import work_on
from tenants.tasks import OneTenantTask

# Made before the worker forks, so that its children see the parent's SIGTERM and drain.
_stopping: Event = multiprocessing.get_context("fork").Event()


@worker_shutting_down.connect
def _begin_to_drain(**_: object) -> None:
    _stopping.set()


@shared_task(base=OneTenantTask, name="outbound.send_message", bind=True)
def send_message(self: OneTenantTask, message_id: int) -> str:
    """Send for one slice; when more is left, stand at the end of the queue again so that others have their turn."""
    work = work_on(message_id, stop=_stopping.is_set, slice_seconds=settings.ENGINE_SLICE_SECONDS)
    if work.again:
        self.apply_async(args=[message_id], expires=60)
    return work.state
