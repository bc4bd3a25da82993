"""A campaign's recipients one by one, and as a file."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from campaigns.desk.figures import meanings
from campaigns.models import Campaign
from campaigns.reports import RecipientFilter, export_recipients, recipients
from common.errors import LettershopError
from tenants.desk.admin import needs, tell_refusal
from tenants.desk.streaming import csv_download

_PAGE = 50
_FILTER_LABELS = {
    RecipientFilter.ALL: "Everybody",
    RecipientFilter.BOUNCED_HARD: "Bounced: dead",
    RecipientFilter.BOUNCED_SOFT: "Bounced: refused",
    RecipientFilter.BOUNCED: "Bounced: all",
    RecipientFilter.IN_DOUBT: "In doubt",
}


@needs("campaigns.view_campaign")
def recipients_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """A page of them, narrowed by what became of them or by the beginning of an address."""
    campaign = get_object_or_404(Campaign, pk=pk)
    state, search = request.GET.get("state", ""), request.GET.get("q", "")
    try:
        found = recipients(
            campaign=campaign, state=state, search=search, after=request.GET.get("after", ""), limit=_PAGE
        )
    except LettershopError as error:
        tell_refusal(request, error)
        return redirect("admin:campaigns_campaign_recipients", pk)
    asked = {"state": state, "q": search}
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/recipients.html",
        title="Recipients",
        original=campaign,
        rows=found.rows,
        next_query=urlencode({**asked, "after": found.after}) if found.after else "",
        export_query=urlencode(asked),
        state=state,
        search=search,
        filters=[
            (one.value, _FILTER_LABELS.get(one, one.value.replace("_", " ").capitalize())) for one in RecipientFilter
        ],
        meaning=meanings().get(state, ""),
    )
    return page


@needs("campaigns.view_campaign")
def recipients_file(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponseBase:
    """The same, all pages, as CSV."""
    campaign = get_object_or_404(Campaign, pk=pk)
    try:
        lines = export_recipients(
            campaign=campaign, state=request.GET.get("state", ""), search=request.GET.get("q", "")
        )
    except LettershopError as error:
        messages.error(request, str(error))
        return redirect("admin:campaigns_campaign_recipients", pk)
    return csv_download(lines, name=f"{campaign.name}-{request.GET.get('state') or 'recipients'}")
