"""Sending a campaign, and stopping it. Every change of state is won in one statement."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from celery import current_app
from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.services.aiming import hold_tags
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.drafts import in_words
from common.database import connection
from common.errors import Conflict, InvalidInput
from outbound.models import Message
from outbound.services import cancel_message, pause_message, resume_message
from outbound.states import MessageState
from tenants.services.due import done_with, note_due

PLAN_TASK = "campaigns.plan"
_State = Campaign.State


def send_campaign(*, campaign: Campaign, when: datetime | None = None) -> Campaign:
    """Send it now, or at `when` (with a time zone). It is checked first.

    Raises InvalidInput with everything that is wrong with it, and Conflict when it was sent before.
    """
    if when is not None and when.tzinfo is None:
        raise InvalidInput(
            "The time to send at needs a time zone, as in 2026-03-01T09:00:00+01:00.", field="scheduled_at"
        )
    later = when is not None and when > timezone.now()
    _refuse_second_time(campaign)
    _refuse_errors(campaign)
    with transaction.atomic():
        hold_tags(campaign)
        _move(
            campaign,
            (_State.DRAFT, _State.SCHEDULED),
            _State.SCHEDULED if later else _State.SENDING,
            scheduled_at=when,
            error="",
        )
        done_with(task=PLAN_TASK, reference=campaign.pk)
        _plan(campaign, at=when if later else None)
    return campaign


def unschedule_campaign(*, campaign: Campaign) -> Campaign:
    """Make a scheduled campaign a draft again. Raises Conflict unless it is scheduled."""
    with transaction.atomic():
        _move(campaign, (_State.SCHEDULED,), _State.DRAFT, scheduled_at=None)
        done_with(task=PLAN_TASK, reference=campaign.pk)
    return campaign


def pause_campaign(*, campaign: Campaign, why: str = "") -> Campaign:
    """Stop handing over; nobody is lost. Raises Conflict unless it is being sent."""
    with transaction.atomic():
        _move(campaign, (_State.SENDING,), _State.PAUSED, error=why)
        for_messages(campaign, (MessageState.SENDING,), pause_message)
    return campaign


def resume_campaign(*, campaign: Campaign) -> Campaign:
    """Go on after a pause. Raises Conflict unless it is paused."""
    with transaction.atomic():
        _move(campaign, (_State.PAUSED,), _State.SENDING, error="")
        for_messages(campaign, (MessageState.PAUSED,), resume_message)
        _plan(campaign)
    return campaign


def cancel_campaign(*, campaign: Campaign) -> Campaign:
    """Stop for good: whoever was not mailed yet never is. Raises Conflict when it is over."""
    with transaction.atomic():
        _move(campaign, (_State.DRAFT, _State.SCHEDULED, _State.SENDING, _State.PAUSED), _State.CANCELLED)
        open_states = (MessageState.PLANNED, MessageState.SENDING, MessageState.PAUSED)
        for_messages(campaign, open_states, cancel_message)
        done_with(task=PLAN_TASK, reference=campaign.pk)
    return campaign


def _refuse_second_time(campaign: Campaign) -> None:
    """Before the check: whoever sends twice shall not read about the audience."""
    campaign.refresh_from_db()
    if campaign.state not in (_State.DRAFT, _State.SCHEDULED):
        raise _conflict(campaign)


def _refuse_errors(campaign: Campaign) -> None:
    errors = errors_of(check_campaign(campaign=campaign))
    if errors:
        raise InvalidInput(" ".join(str(error) for error in errors), field=errors[0].field or None)


def _move(campaign: Campaign, allowed: tuple[_State, ...], to: _State, **changes: object) -> None:
    moved = Campaign.objects.filter(pk=campaign.pk, state__in=allowed).update(
        state=to, updated_at=timezone.now(), **changes
    )
    campaign.refresh_from_db()
    if not moved:
        raise _conflict(campaign)


def _conflict(campaign: Campaign) -> Conflict:
    hint = {
        _State.SENT: "To send it again, duplicate it.",
        _State.CANCELLED: "To send it after all, duplicate it.",
        _State.FAILED: "Put right what was wrong in a copy of it, and send that.",
        _State.PAUSED: "Resume it, or cancel it.",
    }.get(_State(campaign.state))
    return Conflict(f"“{campaign.name}” {in_words(campaign)}.", field="state", hint=hint)


def for_messages(campaign: Campaign, states: tuple[MessageState, ...], change: Callable[[Message], None]) -> None:
    """Change the campaign's messages that are in one of `states`; one that was over a moment before is left alone."""
    for message in Message.objects.filter(campaign_part__campaign=campaign, state__in=states).order_by("id"):
        with suppress(Conflict):
            change(message)


def _plan(campaign: Campaign, at: datetime | None = None) -> None:
    """A row for the tick, which survives a lost broker; and, for now, a task at once."""
    note_due(task=PLAN_TASK, reference=campaign.pk, due_at=at)
    if at is not None:
        return
    schema, pk = connection.schema_name, campaign.pk
    transaction.on_commit(
        lambda: current_app.send_task(PLAN_TASK, args=[pk], headers={"_schema_name": schema}, expires=60), robust=True
    )
