"""From a campaign to messages: one for each version of its template, with the audience frozen."""

from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from campaigns.audiences import audience_of, split_by_version
from campaigns.models import Campaign, CampaignPart, Template
from campaigns.services.checking import check_campaign, errors_of, sending_provider
from campaigns.services.sending import PLAN_TASK, for_messages
from common.errors import InvalidInput, LettershopError
from contacts.targeting import audience_query, held_query, hold_audience, refresh_later
from outbound.compiler import Content
from outbound.models import Message
from outbound.services import freeze_audience, pause_message, plan_message, start_message
from outbound.stamping import Sender, compile_for, make_stamp
from outbound.states import MessageState
from tenants.services.due import done_with, postpone

_LOOK_AGAIN = timedelta(seconds=15)
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
            .select_related("template", "provider")
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
    if Template.objects.filter(name=campaign.template.name).exclude(pk=campaign.template_id).exists():
        versions = split_by_version(campaign, hold_audience(audience_of(campaign)))
        for version in versions:
            _make_part(campaign, version.template, version.languages, *held_query(version.languages))
    else:
        _make_part(campaign, campaign.template, (), *audience_query(audience_of(campaign)))


def _make_part(
    campaign: Campaign, template: Template, languages: tuple[str, ...], query: sql.Composed, params: dict[str, object]
) -> None:
    content = Content(template.subject, template.html, template.text, template.preheader)
    sender = Sender(
        from_address=campaign.from_address,
        from_name=campaign.from_name,
        reply_to=campaign.reply_to,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
    )
    message = plan_message(
        origin=f"campaign:{campaign.pk}",
        name=campaign.name,
        provider=sending_provider(campaign),
        content=content,
        stamp=make_stamp(sender),
        links=(),
    )
    # Compiled as it will be sent: the numbers in the mail and the link table are of one compilation.
    message.links = [asdict(link) for link in compile_for(message).links]
    message.save(update_fields=["links"])
    if freeze_audience(message, query, params) == 0:
        raise InvalidInput("Nobody is in the audience any more.", field="audience")
    language = template.language if languages else ""
    CampaignPart.objects.create(campaign=campaign, message=message, template=template, language=language)
    start_message(message)


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
        postpone(task=PLAN_TASK, reference=campaign.pk, due_at=timezone.now() + _LOOK_AGAIN)
        return campaign.state
    if MessageState.FINISHED in states:
        return _end(campaign, _State.SENT, errors)
    return _end(campaign, _State.FAILED if MessageState.FAILED in states else _State.CANCELLED, errors)


def _end(campaign: Campaign, state: str, error: str) -> str:
    Campaign.objects.filter(pk=campaign.pk).update(state=state, error=error, updated_at=timezone.now())
    done_with(task=PLAN_TASK, reference=campaign.pk)
    return state
