"""The variants of a campaign that was not begun: defined as a whole, or taken away."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from campaigns.models import Campaign, SplitTest, Template, Variant
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.drafts import in_words
from common.errors import Conflict, InvalidInput, NotFound

FEWEST, MOST = 2, 5
LONGEST_WAIT = 30 * 24 * 60  # minutes
LONGEST_NAME, LONGEST_SUBJECT = 80, 500
_EDITABLE = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """One variant as it is filled in; `share` is in percent. Without a template or subject it has the campaign's.

    A subject of its own stands in place of the template's in every language.
    """

    name: str
    share: int
    template_id: int | None = None
    subject: str = ""


def set_variants(
    *,
    campaign: Campaign,
    variants: Sequence[VariantDraft],
    winner_by: str = SplitTest.WinnerBy.OPENS,
    decide_after_minutes: int = 60,
) -> None:
    """Replace all variants by these; by none, the campaign has one mail for everybody again.

    Raises InvalidInput for what cannot be, also where a scheduled campaign could not be sent like this; Conflict
    once it is being sent. Then nothing has changed.
    """
    drafts = _checked(variants)
    if winner_by not in SplitTest.WinnerBy.values:
        raise InvalidInput("A winner is chosen by opens, by clicks or by hand.", field="winner_by")
    if not 1 <= decide_after_minutes <= LONGEST_WAIT:
        raise InvalidInput(f"The time to wait is 1 to {LONGEST_WAIT} minutes.", field="decide_after_minutes")
    with transaction.atomic():
        held = _held(campaign)
        SplitTest.objects.filter(campaign=held).delete()
        Variant.objects.filter(campaign=held).delete()
        if drafts:
            SplitTest.objects.create(campaign=held, winner_by=winner_by, decide_after_minutes=decide_after_minutes)
        Variant.objects.bulk_create(
            Variant(
                campaign=held,
                number=number,
                name=draft.name,
                template_id=draft.template_id,
                subject=draft.subject,
                share=draft.share,
            )
            for number, draft in enumerate(drafts, 1)
        )
        if held.state == Campaign.State.SCHEDULED:
            _refuse_errors(held)


def _held(campaign: Campaign) -> Campaign:
    held = Campaign.objects.select_for_update(of=("self",)).select_related("template", "provider", "segment")
    found = held.filter(pk=campaign.pk).first()
    if found is None:
        raise NotFound(f"There is no campaign {campaign.pk} any more.", field="campaign_id")
    if found.state not in _EDITABLE:
        raise Conflict(f"“{found.name}” {in_words(found)}, so its variants cannot be changed any more.", field="state")
    return found


def _refuse_errors(campaign: Campaign) -> None:
    errors = errors_of(check_campaign(campaign=campaign))
    if errors:
        raise InvalidInput(" ".join(str(error) for error in errors), field=errors[0].field or None)


def _checked(variants: Sequence[VariantDraft]) -> list[VariantDraft]:
    if not variants:
        return []
    if not FEWEST <= len(variants) <= MOST:
        raise InvalidInput(f"A campaign has {FEWEST} to {MOST} variants, or none.", field="variants")
    drafts = [_checked_one(variant, f"variants.{place}") for place, variant in enumerate(variants)]
    names = [draft.name for draft in drafts]
    if twice := next((place for place, name in enumerate(names) if name in names[:place]), None):
        raise InvalidInput("There are two variants of this name.", field=f"variants.{twice}.name")
    if sum(draft.share for draft in drafts) > 100:
        raise InvalidInput("The shares are more than 100 percent together.", field="variants")
    _refuse_unknown_templates(drafts)
    return drafts


def _checked_one(variant: VariantDraft, place: str) -> VariantDraft:
    name, subject = " ".join(variant.name.split()), " ".join(variant.subject.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(f"A variant needs a name of up to {LONGEST_NAME} characters.", field=f"{place}.name")
    if len(subject) > LONGEST_SUBJECT:
        raise InvalidInput(f"A subject has up to {LONGEST_SUBJECT} characters.", field=f"{place}.subject")
    if not 1 <= variant.share <= 99:
        raise InvalidInput("The share of a variant is 1 to 99 percent.", field=f"{place}.share")
    return VariantDraft(name=name, share=variant.share, template_id=variant.template_id, subject=subject)


def _refuse_unknown_templates(drafts: Sequence[VariantDraft]) -> None:
    wanted = {draft.template_id for draft in drafts if draft.template_id is not None}
    known = set(Template.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    for place, draft in enumerate(drafts):
        if draft.template_id is not None and draft.template_id not in known:
            raise InvalidInput(f"There is no template {draft.template_id}.", field=f"variants.{place}.template_id")
