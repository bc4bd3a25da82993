"""Campaigns as programs order them: everything by its id, and with the time at which they go out."""

from dataclasses import replace
from datetime import datetime
from typing import TypedDict, cast

from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign, Template
from campaigns.services.drafts import Draft, create_campaign, draft_of, mailbox, update_campaign
from campaigns.services.senders import default_sender
from campaigns.services.sending import send_campaign, unschedule_campaign
from common.errors import InvalidInput, NotFound
from contacts.models import Segment
from outbound.models import ProviderAccount

_TAGS = ("tags_all", "tags_any", "exclude_tags")
_AS_GIVEN = ("name", "reply_to", "language", "category", "track_opens", "track_clicks")


class CampaignFields(TypedDict, total=False):
    """What is said about a campaign; what is not said stays as it is, or as it is by default.

    `sender` is `Name <address>`; `from_name` and `from_email` change its parts. `provider_id` None: the first
    active one. `segment_id` None: not narrowed to any. `scheduled_at` has a time zone; None: it is sent when somebody says so.
    """

    name: str
    template_id: int
    sender: str
    from_name: str
    from_email: str
    reply_to: str
    provider_id: int | None
    tags_all: list[str]
    tags_any: list[str]
    exclude_tags: list[str]
    segment_id: int | None
    language: str
    category: str
    track_opens: bool
    track_clicks: bool
    scheduled_at: datetime | None


def order_campaign(*, fields: CampaignFields) -> Campaign:
    """Make a campaign; with a time in the future, it is checked as for sending and goes out then.

    A time that is over is kept and sends nothing: the campaign is a draft until it is sent. Without a sender the
    tenant's default one is taken. Raises InvalidInput for anything that cannot be, and then nothing was made.
    """
    for needed in ("name", "template_id"):
        if needed not in fields:
            raise InvalidInput(f"A campaign needs a {needed.removesuffix('_id')}.", field=needed)
    with transaction.atomic():
        campaign = create_campaign(draft=_first_draft(fields))
        return _schedule(campaign, fields.get("scheduled_at"))


def change_order(*, campaign: Campaign, fields: CampaignFields) -> Campaign:
    """Change what is given, of a campaign that was not begun. One that is scheduled is checked and scheduled again.

    A `scheduled_at` of None, or one that is over, makes a scheduled campaign a draft. Raises InvalidInput, NotFound,
    and Conflict once it is being sent; then nothing has changed.
    """
    with transaction.atomic():
        held = Campaign.objects.select_for_update(of=("self",)).select_related("template", "provider", "segment")
        before = held.filter(pk=campaign.pk).first()
        if before is None:
            raise NotFound(f"There is no campaign {campaign.pk} any more.", field="campaign_id")
        changed = update_campaign(campaign=before, draft=_changed_draft(fields, before))
        if "scheduled_at" in fields:
            return _schedule(changed, fields["scheduled_at"])
        if changed.state == Campaign.State.SCHEDULED:
            # Also when its time came a moment ago: it is about to begin and must not become a draft.
            return send_campaign(campaign=changed, when=changed.scheduled_at)
        return changed


def send_order(*, campaign: Campaign) -> Campaign:
    """Send it now, or at its own time when that is still to come.

    One that is scheduled stays so. Raises InvalidInput with all that is wrong with it, and Conflict when it was
    sent before.
    """
    return send_campaign(campaign=campaign, when=campaign.scheduled_at)


def _schedule(campaign: Campaign, when: datetime | None) -> Campaign:
    if when is not None and when > timezone.now():
        return send_campaign(campaign=campaign, when=when)
    if campaign.state == Campaign.State.SCHEDULED:
        campaign = unschedule_campaign(campaign=campaign)
    if campaign.scheduled_at != when:
        Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=when)
        campaign.scheduled_at = when
    return campaign


def _first_draft(fields: CampaignFields) -> Draft:
    template = _template(fields["template_id"])
    if fields.get("sender") or fields.get("from_email"):
        sender = fields.get("sender") or mailbox(fields.get("from_name", ""), fields.get("from_email", ""))
        draft = Draft(name="", template=template, sender=sender)
    else:
        default = default_sender(name=fields.get("from_name", ""))
        draft = Draft(name="", template=template, sender=default.sender, reply_to=default.reply_to)
    return _filled(draft, fields)


def _changed_draft(fields: CampaignFields, campaign: Campaign) -> Draft:
    draft = draft_of(campaign)
    if "template_id" in fields:
        draft = replace(draft, template=_template(fields["template_id"]))
    if fields.get("sender"):
        draft = replace(draft, sender=fields["sender"])
    elif "from_name" in fields or "from_email" in fields:
        name = fields.get("from_name", campaign.from_name)
        draft = replace(draft, sender=mailbox(name, fields.get("from_email") or campaign.from_address))
    return _filled(draft, fields)


def _filled(draft: Draft, fields: CampaignFields) -> Draft:
    given = cast("dict[str, object]", fields)
    changes = {name: given[name] for name in _AS_GIVEN if name in given}
    changes |= {name: tuple(cast("list[str]", given[name])) for name in _TAGS if name in given}
    if "provider_id" in fields:
        changes["provider"] = _provider(fields["provider_id"])
    if "segment_id" in fields:
        changes["segment"] = _segment(fields["segment_id"])
    return replace(draft, **changes)  # type: ignore[arg-type]


def _template(pk: int) -> Template:
    template = Template.objects.filter(pk=pk).first()
    if template is None:
        raise InvalidInput(f"There is no template {pk}.", field="template_id")
    return template


def _provider(pk: int | None) -> ProviderAccount | None:
    if pk is None:
        return None
    provider = ProviderAccount.objects.filter(pk=pk).first()
    if provider is None:
        raise InvalidInput(f"There is no provider {pk}.", field="provider_id")
    return provider


def _segment(pk: int | None) -> Segment | None:
    if pk is None:
        return None
    segment = Segment.objects.filter(pk=pk).first()
    if segment is None:
        raise InvalidInput(f"There is no segment {pk}.", field="segment_id")
    return segment
