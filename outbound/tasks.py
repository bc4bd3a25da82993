"""The `campaigns` queue: each task is one worker's turn on one message."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from outbound.deeds import build_deeds_task
from outbound.services.working import work_on
from tenants.tasks import OneTenantTask

__all__ = ["build_deeds_task", "send_message"]

# Made before the worker forks, so that its children see the parent's SIGTERM and drain.
_stopping: Event = multiprocessing.get_context("fork").Event()


@worker_shutting_down.connect
def _begin_to_drain(**_: object) -> None:
    _stopping.set()


@shared_task(base=OneTenantTask, name="outbound.send_message", bind=True)
def send_message(self: OneTenantTask, message_id: int) -> str:
    """Send for one slice; when more is left, stand at the end of the queue again so that others have their turn."""
    with _draining_on_sigterm() as told_to_end:
        work = work_on(
            message_id,
            stop=lambda: told_to_end.is_set() or _stopping.is_set(),
            slice_seconds=settings.ENGINE_SLICE_SECONDS,
        )
    if work.again:
        self.apply_async(args=[message_id], expires=60)
    return work.state


@contextmanager
def _draining_on_sigterm() -> Iterator[threading.Event]:
    """A pool process that is told to end while it sends finishes what is in flight: it would be in doubt otherwise.

    The handler stands for the time of the turn only, because the pool sets its own after every other hook. The process
    goes on to its pool afterwards, which decides about its life.
    """
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)
