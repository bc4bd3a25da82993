"""From a campaign to messages: one for each version of its template (and variant), with the audience frozen."""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from campaigns.audiences import audience_of, split_by_version
from campaigns.models import Campaign, CampaignPart, SplitTest, Template
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.deciding import decide_when_due
from campaigns.services.parts import make_message, start_part
from campaigns.services.previewing import content_of
from campaigns.services.sending import PLAN_TASK, for_messages
from campaigns.services.splitting import make_split_parts
from campaigns.services.templates import text_of
from common.errors import InvalidInput, LettershopError
from contacts.targeting import audience_query, held_query, hold_audience, refresh_later
from outbound.models import Message
from outbound.services import pause_message
from outbound.states import MessageState
from tenants.services.due import done_with, postpone

_LOOK_AGAIN = timedelta(seconds=15)
_LOOK_FOR_A_HAND = timedelta(hours=1)
_State = Campaign.State
_OVER = (MessageState.FINISHED, MessageState.CANCELLED, MessageState.FAILED)


def plan_campaign(campaign_id: int) -> str:
    """Bring a campaign one step further and return its state: begin when it is time, end when all its mail is out.

    Safe to call at any time, by any number of workers: the campaign's row is locked, and what was planned
    commits as a whole or not at all.
    """
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(of=("self",))
            .select_related("template", "provider", "segment")
            .filter(pk=campaign_id)
            .first()
        )
        if campaign is None or campaign.state not in (_State.SCHEDULED, _State.SENDING):
            done_with(task=PLAN_TASK, reference=campaign_id)
            return campaign.state if campaign else ""
        if campaign.state == _State.SCHEDULED and campaign.scheduled_at and campaign.scheduled_at > timezone.now():
            postpone(task=PLAN_TASK, reference=campaign_id, due_at=campaign.scheduled_at)
            return campaign.state
        if campaign.parts.exists():
            return _settle(campaign)
        return _begin(campaign)


def settle_campaign_of(message_id: int) -> None:
    """Something happened to a message: its campaign follows. Nothing happens where the message is no campaign's."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",)).filter(parts__message_id=message_id).first()
        if campaign is not None and campaign.state == _State.SENDING:
            _settle(campaign)


def _begin(campaign: Campaign) -> str:
    try:
        with transaction.atomic():
            _make_parts(campaign)
    except LettershopError as error:
        if error.temporary:
            raise
        return _end(campaign, _State.FAILED, str(error))
    Campaign.objects.filter(pk=campaign.pk).update(state=_State.SENDING, error="", updated_at=timezone.now())
    postpone(task=PLAN_TASK, reference=campaign.pk, due_at=timezone.now() + _LOOK_AGAIN)
    refresh_later()
    return _State.SENDING


def _make_parts(campaign: Campaign) -> None:
    # Checked again: between scheduling and sending, tags, templates and providers may have changed.
    errors = errors_of(check_campaign(campaign=campaign))
    if errors:
        raise InvalidInput(" ".join(str(error) for error in errors))
    variants = list(campaign.variants.select_related("template"))
    if variants:
        make_split_parts(campaign, variants)
    elif Template.objects.filter(name=campaign.template.name).exclude(pk=campaign.template_id).exists():
        versions = split_by_version(campaign, hold_audience(audience_of(campaign)))
        for version in versions:
            language = version.template.language
            _make_part(campaign, version.template, language, *held_query(version.languages))
    else:
        _make_part(campaign, campaign.template, "", *audience_query(audience_of(campaign)))


def _make_part(
    campaign: Campaign, template: Template, language: str, query: sql.Composed, params: dict[str, object]
) -> None:
    message = make_message(campaign, content_of(text_of(template)), query, params)
    CampaignPart.objects.create(campaign=campaign, message=message, template=template, language=language)
    start_part(message)


def _settle(campaign: Campaign) -> str:
    messages = list(Message.objects.filter(campaign_part__campaign=campaign).order_by("id"))
    states = {message.state for message in messages}
    errors = " ".join(dict.fromkeys(message.error for message in messages if message.error))
    if MessageState.PAUSED in states:
        # The engine paused one, for instance because the provider refuses the sender: the others wait too.
        for_messages(campaign, (MessageState.SENDING,), partial(pause_message, why=errors))
        return _end(campaign, _State.PAUSED, errors)
    if not states <= set(_OVER):
        if errors != campaign.error:
            Campaign.objects.filter(pk=campaign.pk).update(error=errors)
        if not decide_when_due(campaign):
            postpone(task=PLAN_TASK, reference=campaign.pk, due_at=_next_look(campaign, states))
        return campaign.state
    if MessageState.FINISHED in states:
        return _end(campaign, _State.SENT, errors)
    return _end(campaign, _State.FAILED if MessageState.FAILED in states else _State.CANCELLED, errors)


def _next_look(campaign: Campaign, states: set[str]) -> datetime:
    now = timezone.now()
    decides_at = (
        SplitTest.objects.filter(campaign=campaign, decided_at=None).values_list("decides_at", flat=True).first()
    )
    if states <= {*_OVER, MessageState.PLANNED}:
        # Only the rest of a split test waits: for the time of the decision, or for a person's.
        return decides_at or now + _LOOK_FOR_A_HAND
    soon = now + _LOOK_AGAIN
    return min(soon, decides_at) if decides_at and decides_at > now else soon


def _end(campaign: Campaign, state: str, error: str) -> str:
    Campaign.objects.filter(pk=campaign.pk).update(state=state, error=error, updated_at=timezone.now())
    done_with(task=PLAN_TASK, reference=campaign.pk)
    return state
