"""A campaign's figures with their words: what each means, its share, its colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns.models import Campaign
from campaigns.reports import CampaignReport, Figures
from outbound.reporting import Hour
from outbound.states import EventKind
from tenants.desk.charts import Series, chart_data, chart_options

_MEANING = {
    "sent": "The provider took the mail. It may still bounce later.",
    "delivered": "Taken by the provider, and no bounce came back.",
    "queued": "Their turn has not come yet.",
    "deferred": "Refused for now, for instance because a mailbox is busy. They are tried again by themselves.",
    "opened": "People who loaded the pictures. Privacy programs load them unasked, others never: a trend, not a truth.",
    "clicked": "People who followed at least one link.",
    "unsubscribed": "They asked not to get marketing any more, and will not.",
    "complained": "They marked the mail as spam. Above 0.1 % mailbox providers begin to distrust you.",
    "bounced_hard": "The address does not exist. It is on the suppression list now.",
    "bounced_soft": "Refused for good this time, for instance because the mailbox is full. The address stays.",
    "failed": "Could not be sent before its time ran out, or the mail could not be made for them.",
    "suppressed": "On the suppression list when their turn came, so nothing was sent.",
    "cancelled": "The campaign was cancelled before their turn.",
    "in_doubt": (
        "Handed over, but the connection broke before the provider answered: it may have the mail or not. "
        "They are not mailed again, so that nobody gets it twice."
    ),
}
_LABELS = {"bounced_hard": "Bounced: dead", "bounced_soft": "Bounced: refused", "in_doubt": "In doubt"}
_COLOURS = {
    "sent": "sent", "delivered": "sent", "opened": "opened", "clicked": "clicked", "bounced_hard": "bounced",
    "bounced_soft": "bounced", "complained": "bounced", "failed": "bounced", "unsubscribed": "left", "deferred": "left",
    "in_doubt": "left",
}  # fmt: skip
# What is always shown, and what only where it happened.
_ALWAYS = ("sent", "delivered", "opened", "clicked", "unsubscribed", "complained", "bounced_hard", "bounced_soft")
_SOMETIMES = ("queued", "deferred", "in_doubt", "failed", "suppressed", "cancelled")
_DRAWN = ((EventKind.OPEN, "Opened", "opened"), (EventKind.CLICK, "Clicked", "clicked"),
          (EventKind.UNSUBSCRIBE, "Unsubscribed", "left"))  # fmt: skip
_MOST_POINTS = 120


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report."""

    name: str
    label: str
    count: int
    share: float | None
    meaning: str
    colour: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the progress bar, or a step of the funnel; `share` is from 0 to 1."""

    label: str
    count: int
    share: float
    colour: str

    @property
    def width(self) -> str:
        return f"{min(1.0, self.share) * 100:.2f}"


def report_context(campaign: Campaign, report: CampaignReport) -> dict[str, Any]:
    """What the report's templates need."""
    figures = report.figures
    most = max((link.clicks for link in report.links), default=0)
    return {
        "campaign": campaign,
        "report": report,
        "figures": figures,
        "shown": shown_figures(figures),
        "progress": progress_of(figures),
        "done": figures.total - figures.queued - figures.deferred,
        "funnel": _funnel(figures),
        "links": [(link, link.clicks / most if most else 0.0) for link in report.links],
        "chart": chart_of(report.hours),
        "chart_options": chart_options(),
        "moving": campaign.state == Campaign.State.SENDING,
        "rate": _rate(report, figures),
    }


def shown_figures(figures: Figures) -> list[Figure]:
    """The figures in the order of a campaign's life, with their shares of what they are a part of."""
    names = [*_ALWAYS, *(name for name in _SOMETIMES if getattr(figures, name))]
    return [
        Figure(
            name=name,
            label=_LABELS.get(name, name.capitalize()),
            count=getattr(figures, name),
            share=_share(figures, name),
            meaning=_MEANING[name],
            colour=_COLOURS.get(name, "other"),
        )
        for name in names
    ]


def meanings() -> dict[str, str]:
    """What each state of a recipient means, in a sentence."""
    return dict(_MEANING)


def progress_of(figures: Figures) -> list[Bar]:
    """The parts of the bar: well, not well, not sent at all."""
    total = max(1, figures.total)
    lost = figures.bounced_hard + figures.bounced_soft + figures.failed
    parts = (
        ("Delivered", figures.delivered, "sent"),
        ("Bounced or failed", lost, "bounced"),
        ("In doubt", figures.in_doubt, "left"),
        ("Not sent", figures.suppressed + figures.cancelled, "other"),
    )
    return [Bar(label, count, count / total, colour) for label, count, colour in parts if count]


def chart_of(hours: Sequence[Hour]) -> str:
    """Events over time: by the hour, or in wider steps where there are many; "" where there is nothing to draw."""
    drawn = [hour for hour in hours if any(hour.kind == kind for kind, _, _ in _DRAWN)]
    if not drawn:
        return ""
    first, last = min(hour.hour for hour in drawn), max(hour.hour for hour in drawn)
    step = timedelta(hours=1)
    while (last - first) / step >= _MOST_POINTS:
        step *= 2
    slots = [first + step * number for number in range(int((last - first) / step) + 1)]
    series = []
    for kind, label, colour in _DRAWN:
        counts = [0] * len(slots)
        for hour in drawn:
            if hour.kind == kind:
                counts[int((hour.hour - first) / step)] += hour.uniques
        series.append(Series(label, counts, colour))
    return chart_data([_at(slot, first, last) for slot in slots], series)


def _at(slot: datetime, first: datetime, last: datetime) -> str:
    one_day = first.date() == last.date()
    return slot.strftime("%H:%M" if one_day else "%d %b, %H:%M")


def _share(figures: Figures, name: str) -> float | None:
    """Of those who were delivered for what people did, of the whole audience for what became of the mail."""
    if name in ("opened", "clicked", "unsubscribed", "complained"):
        return getattr(figures, name) / figures.delivered if figures.delivered else None
    return getattr(figures, name) / figures.total if figures.total else None


def _funnel(figures: Figures) -> list[Bar]:
    steps = (
        ("Audience", figures.total, "other"),
        ("Delivered", figures.delivered, "sent"),
        ("Opened", figures.opened, "opened"),
        ("Clicked", figures.clicked, "clicked"),
    )
    total = max(1, figures.total)
    return [Bar(label, count, count / total, colour) for label, count, colour in steps]


def _rate(report: CampaignReport, figures: Figures) -> float | None:
    """Messages a second over the whole time of sending, once it is over."""
    if not (report.started_at and report.finished_at):
        return None
    seconds = (report.finished_at - report.started_at).total_seconds()
    return (figures.total - figures.suppressed - figures.cancelled) / seconds if seconds >= 1 else None
