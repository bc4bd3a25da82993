"""Campaigns before they are sent: made, changed, copied, thrown away."""

from dataclasses import dataclass, replace

from django.db import transaction

from campaigns.models import Campaign, SplitTest, Template, Variant
from campaigns.services.aiming import hold_tags
from common.addresses import parse_address, parse_mailbox, wire_form
from common.errors import Conflict, InvalidInput, LettershopError
from contacts.models import Segment
from contacts.services.details import checked_language
from contacts.targeting import tag_ids
from outbound.models import ProviderAccount

_LONGEST_NAME = 200
_EDITABLE = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)
_DELETABLE = (Campaign.State.DRAFT, Campaign.State.CANCELLED, Campaign.State.FAILED, Campaign.State.SENT)


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign as a marketer fills it in. `sender` is `Name <address>` or an address; tags are slugs.

    Without a provider, the first active one sends it.
    """

    name: str
    template: Template
    sender: str
    reply_to: str = ""
    provider: ProviderAccount | None = None
    tags_all: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    segment: Segment | None = None
    language: str = ""
    category: str = ""
    track_opens: bool = True
    track_clicks: bool = True


def create_campaign(*, draft: Draft) -> Campaign:
    """Make a draft. Raises InvalidInput for a sender, tag or language that cannot be."""
    campaign = Campaign()
    _fill(campaign, draft)
    campaign.save()
    return campaign


def update_campaign(*, campaign: Campaign, draft: Draft) -> Campaign:
    """Change what was not begun yet. Raises InvalidInput, and Conflict once it is being sent."""
    with transaction.atomic():
        held = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if held.state not in _EDITABLE:
            raise Conflict(f"“{held.name}” {in_words(held)}, so it cannot be changed any more.", field="state")
        _fill(held, draft)
        if held.state == Campaign.State.SCHEDULED:
            hold_tags(held)
        held.save()
    return held


def duplicate_campaign(*, campaign: Campaign, name: str = "") -> Campaign:
    """A new draft with everything the campaign has, its variants too, sent or not."""
    draft = replace(draft_of(campaign), name=name or f"{campaign.name} (copy)"[:_LONGEST_NAME])
    with transaction.atomic():
        copy = create_campaign(draft=draft)
        _copy_variants(campaign, copy)
    return copy


def delete_campaign(*, campaign: Campaign) -> None:
    """Throw it away. Raises Conflict while it is on its way. What the engine recorded of its mail stays."""
    deleted, _ = Campaign.objects.filter(pk=campaign.pk, state__in=_DELETABLE).delete()
    if not deleted:
        campaign.refresh_from_db()
        raise Conflict(
            f"“{campaign.name}” {in_words(campaign)}.", field="state", hint="Cancel it before you delete it."
        )


def draft_of(campaign: Campaign) -> Draft:
    """What is filled in, to be changed with dataclasses.replace."""
    return Draft(
        name=campaign.name,
        template=campaign.template,
        sender=sender_of(campaign),
        reply_to=campaign.reply_to,
        provider=campaign.provider,
        tags_all=tuple(campaign.tags_all),
        tags_any=tuple(campaign.tags_any),
        exclude_tags=tuple(campaign.exclude_tags),
        segment=campaign.segment,
        language=campaign.language,
        category=campaign.category,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
    )


def sender_of(campaign: Campaign) -> str:
    """`Name <address>`, with the name quoted, or the bare address."""
    return mailbox(campaign.from_name, campaign.from_address)


def mailbox(name: str, address: str) -> str:
    """As `Draft.sender` wants it, whatever characters the name has."""
    if not name.strip():
        return address.strip()
    escaped = name.strip().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address.strip()}>'


def in_words(campaign: Campaign) -> str:
    """Where it stands, to go after its name."""
    return {
        Campaign.State.DRAFT: "is a draft",
        Campaign.State.SCHEDULED: "is scheduled",
        Campaign.State.SENDING: "is being sent",
        Campaign.State.PAUSED: "is paused",
        Campaign.State.SENT: "was sent already",
        Campaign.State.CANCELLED: "was cancelled",
        Campaign.State.FAILED: "could not be sent",
    }[Campaign.State(campaign.state)]


def _copy_variants(campaign: Campaign, copy: Campaign) -> None:
    """As they were defined, without what became of them."""
    split = SplitTest.objects.filter(campaign=campaign).first()
    if split is None:
        return
    SplitTest.objects.create(campaign=copy, winner_by=split.winner_by, decide_after_minutes=split.decide_after_minutes)
    defined = Variant.objects.filter(campaign=campaign).values("number", "name", "template_id", "subject", "share")
    Variant.objects.bulk_create(Variant(campaign=copy, **values) for values in defined)


def _fill(campaign: Campaign, draft: Draft) -> None:
    campaign.name = _checked_name(draft.name)
    campaign.template = draft.template
    campaign.from_name, campaign.from_address = _checked_sender(draft.sender)
    campaign.reply_to = _checked_reply_to(draft.reply_to)
    campaign.provider = draft.provider
    for field in ("tags_all", "tags_any", "exclude_tags"):
        slugs = list(dict.fromkeys(getattr(draft, field)))
        tag_ids(field, slugs)
        setattr(campaign, field, slugs)
    campaign.segment = draft.segment
    campaign.language = checked_language(draft.language)
    campaign.category = draft.category.strip()
    campaign.track_opens, campaign.track_clicks = draft.track_opens, draft.track_clicks


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(f"A campaign needs a name of up to {_LONGEST_NAME} characters.", field="name")
    return name


def _checked_sender(text: str) -> tuple[str, str]:
    try:
        name, address = parse_mailbox(text)
    except LettershopError as error:
        raise InvalidInput(f"The sender cannot be used. {error.message}", field="sender", hint=error.hint) from error
    if address.needs_smtputf8:
        raise InvalidInput("The sender's address must be in plain ASCII before the @.", field="sender")
    if len(name) > 120:
        raise InvalidInput("The sender's name has more than 120 characters.", field="sender")
    return name, wire_form(address)


def _checked_reply_to(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return wire_form(parse_address(text))
    except LettershopError as error:
        raise InvalidInput(f"The reply address cannot be used. {error.message}", field="reply_to") from error
