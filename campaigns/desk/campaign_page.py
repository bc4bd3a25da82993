"""A campaign's own page: before it is sent, what it is and what is wrong with it; afterwards, its report."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from campaigns.desk.campaign_form import reach_of_campaign
from campaigns.desk.figures import report_context
from campaigns.models import Campaign
from campaigns.reports import campaign_report
from campaigns.services.checking import check_campaign, errors_of
from common.errors import LettershopError
from contacts.models import Tag
from tenants.desk.admin import needs

NOT_BEGUN = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)


@needs("campaigns.view_campaign")
def campaign_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Whatever state it is in."""
    campaign = _campaign(pk)
    if campaign.state in NOT_BEGUN:
        return _draft_page(request, model_admin, campaign)
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/campaign_report.html",
        title="Report",
        original=campaign,
        **report_context(campaign, campaign_report(campaign=campaign)),
        **audience_words(campaign),
    )
    return page


@needs("campaigns.view_campaign")
def live_fragment(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """The figures while it is being sent, asked for every two seconds."""
    campaign = _campaign(pk)
    context = report_context(campaign, campaign_report(campaign=campaign))
    return TemplateResponse(request, "desk/campaign_figures.html", {"original": campaign, **context})


def audience_words(campaign: Campaign) -> dict[str, Any]:
    """The tags by their names, as far as they still exist."""
    slugs = {*campaign.tags_all, *campaign.tags_any, *campaign.exclude_tags}
    names = dict(Tag.objects.filter(slug__in=slugs).values_list("slug", "name"))
    return {
        "any_names": [names.get(slug, slug) for slug in campaign.tags_any],
        "all_names": [names.get(slug, slug) for slug in campaign.tags_all],
        "without_names": [names.get(slug, slug) for slug in campaign.exclude_tags],
    }


def _draft_page(request: HttpRequest, model_admin: Any, campaign: Campaign) -> HttpResponse:
    problems = check_campaign(campaign=campaign)
    try:
        reach = reach_of_campaign(campaign)
    except LettershopError:
        reach = None  # the check names the tag that is gone
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/campaign_draft.html",
        title=Campaign.State(campaign.state).label,
        original=campaign,
        problems=problems,
        blocked=bool(errors_of(problems)),
        reach=reach,
        **audience_words(campaign),
    )
    return page


def _campaign(pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("template", "provider", "segment"), pk=pk)
