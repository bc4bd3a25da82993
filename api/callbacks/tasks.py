"""The couriers' background work."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from api.callbacks.courier import carry
from api.callbacks.environment import see_to_environment_endpoint
from api.callbacks.waking import TASK, sleep_until, wake_where_news_are
from common.errors import Conflict
from tenants.tasks import OneTenantTask

# While a courier works, the tick need not try; after a crash another one goes on no later than this.
_LOOK_AGAIN = timedelta(seconds=40)
_SLICE_SECONDS = 20.0


@shared_task(base=OneTenantTask, name=TASK, bind=True)
def deliver_task(self: OneTenantTask, reference: int = 0) -> str:
    """Carry for one slice; when more is left, stand at the end of the queue again so that others have their turn."""
    sleep_until(timezone.now() + _LOOK_AGAIN)
    try:
        turn = carry(seconds=_SLICE_SECONDS)
    except Conflict:
        return "another is at it"
    if turn.again:
        self.apply_async(args=[reference], expires=60)
    return f"{turn.sent} sent"


@shared_task(name="callbacks.look")
def look_task() -> int:
    """Every second: start the couriers of tenants with news. Returns how many."""
    see_to_environment_endpoint()
    return wake_where_news_are()
