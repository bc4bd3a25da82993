"""A campaign's variants in figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.models import Campaign, CampaignPart, SplitTest, Variant
from campaigns.reports.figures import Figures, figures_of
from outbound.engagement import human_counts

_REST = 0  # no variant has this id


@dataclass(frozen=True, slots=True)
class People:
    """Recipients who opened, and who clicked, without those of whom only machines did."""

    opened: int = 0
    clicked: int = 0


@dataclass(frozen=True, slots=True)
class AtDecision:
    """Recipients whom the mail had reached, and what people had done, when the winner was chosen."""

    delivered: int
    opened: int
    clicked: int


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """A variant and what became of its own share of the audience; `at_decision` says what it won or lost by."""

    id: int
    name: str
    template_id: int | None
    subject: str
    share: int  # percent
    figures: Figures
    people: People
    is_winner: bool
    at_decision: AtDecision | None


@dataclass(frozen=True, slots=True)
class SplitReport:
    """A campaign's variants in their order, and the rest of its audience. Without variants, everything is empty."""

    variants: tuple[VariantFigures, ...] = ()
    rest_share: int = 0  # percent
    rest: Figures = field(default_factory=Figures)
    rest_people: People = field(default_factory=People)
    winner_by: str = ""
    decide_after_minutes: int | None = None
    decides_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""


def split_report(*, campaign: Campaign) -> SplitReport:
    """As it is now; the opens and clicks of figures are those of every report, machines included. Seven queries."""
    split = SplitTest.objects.filter(campaign=campaign).first()
    if split is None:
        return SplitReport()
    variants = list(Variant.objects.filter(campaign=campaign).defer("versions"))
    groups: dict[int, list[int]] = {_REST: [], **{variant.pk: [] for variant in variants}}
    parts = CampaignPart.objects.filter(campaign=campaign)
    for variant_id, is_rest, message_id in parts.values_list("variant_id", "is_rest", "message_id"):
        groups[_REST if is_rest else variant_id].append(message_id)
    figures, people = figures_of(groups), _people(groups)
    return SplitReport(
        variants=tuple(_told(variant, figures[variant.pk], people[variant.pk], split) for variant in variants),
        rest_share=100 - sum(variant.share for variant in variants),
        rest=figures[_REST],
        rest_people=people[_REST],
        winner_by=split.winner_by,
        decide_after_minutes=split.decide_after_minutes,
        decides_at=split.decides_at,
        decided_at=split.decided_at,
        decided_by=split.decided_by,
        reason=split.reason,
    )


def _people(groups: Mapping[int, list[int]]) -> dict[int, People]:
    counts = human_counts(message_id for some in groups.values() for message_id in some)
    return {
        key: People(sum(counts[each][0] for each in some), sum(counts[each][1] for each in some))
        for key, some in groups.items()
    }


def _told(variant: Variant, figures: Figures, people: People, split: SplitTest) -> VariantFigures:
    at_decision = None
    if variant.delivered is not None:
        at_decision = AtDecision(variant.delivered, variant.human_opened or 0, variant.human_clicked or 0)
    return VariantFigures(
        id=variant.pk,
        name=variant.name,
        template_id=variant.template_id,
        subject=variant.subject,
        share=variant.share,
        figures=figures,
        people=people,
        is_winner=variant.pk == split.winner_id,
        at_decision=at_decision,
    )
