"""Starting, pausing, resuming and cancelling a message. Each is won in one statement; workers notice within a second."""

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.database import connection
from common.errors import Conflict
from outbound.models import Message
from outbound.states import MessageState
from tenants.services.due import note_due

TASK = "outbound.send_message"


def start_message(message: Message) -> None:
    """Begin to send. Raises Conflict when it was begun before."""
    _move(message, (MessageState.PLANNED,), MessageState.SENDING, started_at=timezone.now())
    _enqueue(message)


def pause_message(message: Message, *, why: str = "") -> None:
    """Stop handing over; what is in flight is finished, nobody is lost. Raises Conflict unless it is sending."""
    _move(message, (MessageState.SENDING,), MessageState.PAUSED, error=why)


def resume_message(message: Message) -> None:
    """Go on after a pause. Raises Conflict unless it is paused."""
    _move(message, (MessageState.PAUSED,), MessageState.SENDING, error="")
    _enqueue(message)


def cancel_message(message: Message) -> None:
    """Stop for good: whoever was not handed over gets the state cancelled. Raises Conflict when it is over."""
    _move(message, (MessageState.PLANNED, MessageState.SENDING, MessageState.PAUSED), MessageState.CANCELLED)
    _enqueue(message)


def _move(message: Message, allowed: tuple[MessageState, ...], to: MessageState, **changes: object) -> None:
    moved = Message.objects.filter(pk=message.pk, state__in=allowed).update(state=to, **changes)
    message.refresh_from_db()
    if not moved:
        raise Conflict(
            f"This message is {message.get_state_display().lower()}: it cannot become {to.label.split(':')[0].lower()}."
        )


def _enqueue(message: Message) -> None:
    """A row for the tick, which survives a lost broker, and tasks at once, which start within milliseconds."""
    note_due(task=TASK, reference=message.pk)
    schema = connection.schema_name

    def start_now() -> None:
        for _ in range(settings.ENGINE_RUNNERS):
            current_app.send_task(TASK, args=[message.pk], headers={"_schema_name": schema}, expires=30)

    # Robust: a broker that is away must not undo the start; the tick finds the row when it is back.
    transaction.on_commit(start_now, robust=True)
