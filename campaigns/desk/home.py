"""The start page of the marketers' desk: what goes on now, what went out lately, what needs a hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from campaigns.desk.figures import Bar, progress_of
from campaigns.models import Campaign, Template
from campaigns.reports import Figures, campaign_figures
from contacts.models import ContactStatus, Import
from contacts.targeting import status_counts
from deliverability.models import SendingDomain
from outbound.models import ProviderAccount
from tenants.desk.admin import needs
from tenants.desk.charts import Series, chart_data, chart_options

_STATE = Campaign.State
_NEWEST = 30
_SHOWN = 8
_STATUS_COLOURS = {"active": "opened", "unconfirmed": "sent", "unsubscribed": "left", "suppressed": "left"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a hand, and where to lay it on."""

    what: str
    detail: str
    do: str
    url: str
    is_bad: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the first day."""

    words: str
    done: bool
    url: str


def home_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the start page shows; a fixed number of queries, whatever there is."""
    campaigns = list(Campaign.objects.order_by("-id").defer("error")[:_NEWEST])
    stopped = _under_way()
    sent = [campaign for campaign in campaigns if campaign.state == _STATE.SENT][:_SHOWN]
    figures = campaign_figures(campaign_ids={campaign.pk for campaign in [*stopped, *sent]})
    contacts = status_counts()
    providers = list(ProviderAccount.objects.filter(is_active=True))
    imports = list(Import.objects.exclude(state__in=(Import.State.FINISHED, Import.State.REFUSED))[:5])
    return {
        **context,
        "title": "Home",
        "home_template": "desk/home.html",
        "steps": _first_steps(bool(contacts), bool(providers), bool(campaigns)),
        "problems": _problems(providers, stopped, imports),
        "live": [_live(campaign, figures[campaign.pk]) for campaign in stopped],
        "upcoming": [campaign for campaign in campaigns if campaign.state == _STATE.SCHEDULED],
        "drafts": [campaign for campaign in campaigns if campaign.state == _STATE.DRAFT][:5],
        "sent": [(campaign, figures[campaign.pk]) for campaign in sent],
        "chart": _chart(sent, figures),
        "chart_options": chart_options(unit="% of delivered", every_label=True),
        "imports": [run for run in imports if run.state == Import.State.RUNNING],
        "contacts_total": sum(contacts.values()),
        "contact_bars": _contact_bars(contacts),
    }


@needs("campaigns.view_campaign")
def live_fragment(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """The bars of what is being sent, asked for every few seconds."""
    campaigns = _under_way()
    figures = campaign_figures(campaign_ids=[campaign.pk for campaign in campaigns])
    live = [_live(campaign, figures[campaign.pk]) for campaign in campaigns]
    return TemplateResponse(request, "desk/home_live.html", {"live": live})


def _under_way() -> list[Campaign]:
    return list(Campaign.objects.filter(state__in=(_STATE.SENDING, _STATE.PAUSED)).order_by("-id")[:_SHOWN])


def _first_steps(has_contacts: bool, has_provider: bool, has_campaign: bool) -> list[Step]:
    """The way to the first campaign, until there is one."""
    if has_campaign:
        return []
    return [
        Step("Say who takes your mail: add a provider", has_provider, reverse("admin:outbound_provideraccount_add")),
        Step(
            "Add your sending domain, so that your mail is signed",
            SendingDomain.objects.exists(),
            reverse("admin:deliverability_sendingdomain_add"),
        ),
        Step("Import your contacts", has_contacts, reverse("admin:contacts_import_add")),
        Step("Write a template", Template.objects.exists(), reverse("admin:campaigns_template_add")),
        Step("Make a campaign and send it", False, reverse("admin:campaigns_campaign_add")),
    ]


def _problems(providers: list[ProviderAccount], stopped: list[Campaign], imports: list[Import]) -> list[Problem]:
    found = [
        Problem(
            f"The provider {provider.name} does not take mail.",
            provider.last_error,
            "Look at it",
            reverse("admin:outbound_provideraccount_change", args=[provider.pk]),
        )
        for provider in providers
        if provider.last_error
    ]
    found += [
        Problem(
            f"“{campaign.name}” is paused.",
            campaign.error or "Somebody paused it.",
            "Open it",
            reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
            is_bad=bool(campaign.error),
        )
        for campaign in stopped
        if campaign.state == _STATE.PAUSED
    ]
    found += [
        Problem(
            f"The import of {run.file_name} stopped.",
            run.error,
            "Go on with it",
            reverse("admin:contacts_import_change", args=[run.pk]),
        )
        for run in imports
        if run.state == Import.State.FAILED
    ]
    return found


def _live(campaign: Campaign, figures: Figures) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "figures": figures,
        "done": figures.total - figures.queued - figures.deferred,
        "progress": progress_of(figures),
    }


def _chart(sent: list[Campaign], figures: Mapping[int, Figures]) -> str:
    """Rates of the last campaigns in per cent, the oldest first."""
    if not sent:
        return ""
    ordered = sent[::-1]

    def percents(rate: str) -> list[float]:
        return [round(getattr(figures[campaign.pk], rate) * 100, 2) for campaign in ordered]

    series = [
        Series("Opened", percents("open_rate"), "opened"),
        Series("Clicked", percents("click_rate"), "clicked"),
        Series("Bounced", percents("bounce_rate"), "bounced"),
    ]
    return chart_data([_short(campaign.name) for campaign in ordered], series)


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _contact_bars(counts: Mapping[str, int]) -> list[tuple[str, Bar]]:
    total = max(1, sum(counts.values()))
    return [
        (
            status.value,
            Bar(
                status.label.partition(":")[0],
                counts.get(status.value, 0),
                counts.get(status.value, 0) / total,
                _STATUS_COLOURS.get(status.value, "bounced"),
            ),
        )
        for status in ContactStatus
    ]
