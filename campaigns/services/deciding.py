"""Which variant goes to the rest: decided once, by figures or by hand, and sent in the same transaction."""

from collections.abc import Sequence
from fractions import Fraction

from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, SplitTest, Variant
from campaigns.reports.variants import split_report
from campaigns.services.drafts import in_words
from campaigns.services.sending import PLAN_TASK
from campaigns.services.splitting import start_rest
from common.errors import Conflict, InvalidInput, NotFound
from outbound.models import Chunk
from outbound.states import MessageState
from tenants.services.due import note_due

_WinnerBy = SplitTest.WinnerBy


def choose_winner(*, campaign: Campaign, variant_id: int) -> None:
    """Send this variant to the rest now, whatever the figures say.

    Raises Conflict unless the campaign is being sent and its winner is not chosen yet, and InvalidInput where it has
    no such variant.
    """
    with transaction.atomic():
        held = Campaign.objects.select_for_update().filter(pk=campaign.pk).first()
        if held is None:
            raise NotFound(f"There is no campaign {campaign.pk} any more.", field="campaign_id")
        split = _undecided(held)
        variants = _with_figures(held)
        winner = next((variant for variant in variants if variant.pk == variant_id), None)
        if winner is None:
            raise InvalidInput(f"“{held.name}” has no variant {variant_id}.", field="variant_id")
        _decide(held, split, variants, winner, by=_WinnerBy.HAND, reason="Chosen by hand.")


def decide_when_due(campaign: Campaign) -> bool:
    """Choose the winner if its time has come and everybody in the shares was tried once. True when this call did.

    The caller holds the campaign's row, and it is being sent: none that is paused or cancelled is decided.
    """
    split = SplitTest.objects.filter(campaign=campaign, decided_at=None, decides_at__lte=timezone.now()).first()
    if split is None or _untried(campaign):
        return False
    variants = _with_figures(campaign)
    by = _WinnerBy(split.winner_by)
    best = max(_rate(variant, by) for variant in variants)
    winners = [variant for variant in variants if _rate(variant, by) == best]
    _decide(campaign, split, variants, winners[0], by=by, reason=_in_words(variants, winners, by))
    return True


def _undecided(campaign: Campaign) -> SplitTest:
    if campaign.state != Campaign.State.SENDING:
        raise Conflict(
            f"“{campaign.name}” {in_words(campaign)}: a winner is chosen while it is being sent.", field="state"
        )
    split = SplitTest.objects.filter(campaign=campaign).first()
    if split is None:
        raise Conflict(f"“{campaign.name}” has no variants.")
    if split.decided_at is not None:
        raise Conflict(f"The winner of “{campaign.name}” is chosen already.")
    if not CampaignPart.objects.filter(campaign=campaign).exists():
        raise Conflict(f"“{campaign.name}” has only just begun.", hint="Try again in a moment.")
    if not CampaignPart.objects.filter(campaign=campaign, is_rest=True).exists():
        raise Conflict(
            f"The variants of “{campaign.name}” go to the whole audience: there is no rest to send a winner to."
        )
    return split


def _untried(campaign: Campaign) -> bool:
    """Somebody in the shares is still to get his mail for the first time."""
    return Chunk.objects.filter(
        message__campaign_part__campaign=campaign,
        message__campaign_part__is_rest=False,
        message__state=MessageState.SENDING,
        attempt=1,
        state=Chunk.State.OPEN,
    ).exists()


def _with_figures(campaign: Campaign) -> list[Variant]:
    """The variants in their order, with what people did until now; they are not saved."""
    variants = list(Variant.objects.filter(campaign=campaign))
    told = {one.id: one for one in split_report(campaign=campaign).variants}
    for variant in variants:
        one = told[variant.pk]
        variant.delivered = one.figures.delivered
        variant.human_opened, variant.human_clicked = one.people.opened, one.people.clicked
    return variants


def _decide(
    campaign: Campaign, split: SplitTest, variants: Sequence[Variant], winner: Variant, *, by: _WinnerBy, reason: str
) -> None:
    won = SplitTest.objects.filter(pk=split.pk, decided_at=None).update(
        winner=winner, decided_at=timezone.now(), decided_by=by, reason=reason
    )
    if not won:
        raise Conflict(f"The winner of “{campaign.name}” is chosen already.")
    Variant.objects.bulk_update(variants, ["delivered", "human_opened", "human_clicked"])
    waiting = CampaignPart.objects.filter(campaign=campaign, is_rest=True, message__state=MessageState.PLANNED)
    for part in waiting.select_related("campaign", "message__provider").order_by("pk"):
        start_rest(part, winner)
    note_due(task=PLAN_TASK, reference=campaign.pk)


def _rate(variant: Variant, by: _WinnerBy) -> Fraction:
    did = variant.human_clicked if by == _WinnerBy.CLICKS else variant.human_opened
    return Fraction(did or 0, variant.delivered) if variant.delivered else Fraction(0)


def _in_words(variants: Sequence[Variant], winners: Sequence[Variant], by: _WinnerBy) -> str:
    did = "clicked" if by == _WinnerBy.CLICKS else "opened"
    best = _rate(winners[0], by)
    if not best:
        return f"Nobody {did} any of them: the first goes to the rest."
    if len(winners) > 1:
        names = ", ".join(f"“{variant.name}”" for variant in winners)
        return f"As many {did} each of {names} ({_percent(best)}): the first of them goes to the rest."
    next_best = max(_rate(variant, by) for variant in variants if variant is not winners[0])
    return f"{_percent(best)} {did} “{winners[0].name}”, and {_percent(next_best)} the next best."


def _percent(rate: Fraction) -> str:
    return f"{float(rate) * 100:.1f} %"
