"""The `campaigns` queue: each task is one worker's turn on one message."""

import multiprocessing
import signal
import sys
from multiprocessing.synchronize import Event

from celery import shared_task
from celery.signals import worker_process_init, worker_shutting_down
from django.conf import settings

from outbound.services.working import work_on
from tenants.tasks import OneTenantTask

# Made before the worker forks, so that its children see the parent's SIGTERM and drain.
_stopping: Event = multiprocessing.get_context("fork").Event()


class _Turn:
    """What this process does: a SIGTERM of its own ends the turn, and the process only between turns."""

    at_work = False
    told_to_end = False


@worker_shutting_down.connect
def _begin_to_drain(**_: object) -> None:
    _stopping.set()


@worker_process_init.connect
def _drain_on_sigterm(**_: object) -> None:
    """Without this a pool process that is told to end dies with messages in flight, which are in doubt then."""
    signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(*_: object) -> None:
    if not _Turn.at_work:
        sys.exit(0)
    _Turn.told_to_end = True


@shared_task(base=OneTenantTask, name="outbound.send_message", bind=True)
def send_message(self: OneTenantTask, message_id: int) -> str:
    """Send for one slice; when more is left, stand at the end of the queue again so that others have their turn."""
    _Turn.at_work, _Turn.told_to_end = True, False
    try:
        work = work_on(message_id, stop=_told_to_stop, slice_seconds=settings.ENGINE_SLICE_SECONDS)
    finally:
        _Turn.at_work = False
    if work.again:
        self.apply_async(args=[message_id], expires=60)
    return work.state


def _told_to_stop() -> bool:
    return _Turn.told_to_end or _stopping.is_set()
