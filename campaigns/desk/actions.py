"""What can be done with a campaign: each a button, each a use case; what cannot be taken back is asked first."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from campaigns.desk.campaign_form import reach_of_campaign
from campaigns.models import Campaign
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.drafts import delete_campaign, duplicate_campaign
from campaigns.services.sending import (
    cancel_campaign,
    pause_campaign,
    resume_campaign,
    send_campaign,
    unschedule_campaign,
)
from common.errors import LettershopError
from tenants.desk.admin import needs, tell_refusal
from tenants.desk.forms import ServiceForm

_FARTHEST_OFFSET = 14 * 60  # minutes: no place on earth is farther from UTC


class SendForm(ServiceForm):
    """Now or later. Browsers say how far their clock is from UTC, and without that a time is UTC."""

    when = forms.ChoiceField(choices=[("now", "now"), ("later", "later")])
    at = forms.DateTimeField(
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "desk-input"}),
    )
    offset = forms.IntegerField(required=False, min_value=-_FARTHEST_OFFSET, max_value=_FARTHEST_OFFSET)
    field_of_refusal = {"scheduled_at": "at"}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("when") == "later" and not data.get("at") and not self.errors:
            self.add_error("at", "Say when.")
        elif data.get("when") == "later" and data.get("at") and self.moment() <= datetime.now(UTC):  # type: ignore[operator]
            self.add_error("at", "This time is over.")
        return data

    def moment(self) -> datetime | None:
        """The time to send at, or None for now."""
        if self.cleaned_data["when"] == "now":
            return None
        typed: datetime = self.cleaned_data["at"]
        return typed.replace(tzinfo=UTC) + timedelta(minutes=self.cleaned_data.get("offset") or 0)


@needs("campaigns.change_campaign", "GET", "POST")
def send_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, with the number of people, when to send; then send."""
    campaign = _campaign(pk)
    form = SendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            send_campaign(campaign=campaign, when=form.moment())
        except LettershopError as error:
            form.add_refusal(error)
        else:
            scheduled = campaign.state == Campaign.State.SCHEDULED
            messages.success(request, "It is scheduled." if scheduled else "It is on its way.")
            return redirect("admin:campaigns_campaign_change", pk)
    problems = check_campaign(campaign=campaign)
    if campaign.state not in (Campaign.State.DRAFT, Campaign.State.SCHEDULED) or errors_of(problems):
        return redirect("admin:campaigns_campaign_change", pk)
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/campaign_send.html",
        title="Send",
        original=campaign,
        form=form,
        reach=reach_of_campaign(campaign),
        warnings=problems,
    )
    return page


@needs("campaigns.change_campaign", "POST")
def pause(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    return _do(request, pk, pause_campaign, "It is paused. Whoever was not mailed yet waits.")


@needs("campaigns.change_campaign", "POST")
def resume(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    return _do(request, pk, resume_campaign, "It goes on.")


@needs("campaigns.change_campaign", "POST")
def unschedule(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    return _do(request, pk, unschedule_campaign, "It is a draft again.")


@needs("campaigns.add_campaign", "POST")
def duplicate(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """A copy of it, opened for changes."""
    try:
        copy = duplicate_campaign(campaign=_campaign(pk))
    except LettershopError as error:
        tell_refusal(request, error)
        return redirect("admin:campaigns_campaign_change", pk)
    messages.success(request, f"This is “{copy.name}”. Nothing is sent yet.")
    return redirect("admin:campaigns_campaign_edit", copy.pk)


@needs("campaigns.change_campaign", "GET", "POST")
def cancel_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then stop for good."""
    campaign = _campaign(pk)
    if request.method == "POST":
        return _do(request, pk, cancel_campaign, "It is cancelled.")
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Cancel",
        original=campaign,
        question=f"Stop “{campaign.name}” for good?",
        consequences=["Whoever was not mailed yet never is.", "What was sent cannot be called back."],
        button="Cancel the campaign",
        danger=True,
        back_url=reverse("admin:campaigns_campaign_change", args=[pk]),
    )
    return page


@needs("campaigns.delete_campaign", "GET", "POST")
def delete_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then throw it away."""
    campaign = _campaign(pk)
    if request.method == "POST":
        try:
            delete_campaign(campaign=campaign)
        except LettershopError as error:
            tell_refusal(request, error)
            return redirect("admin:campaigns_campaign_change", pk)
        messages.success(request, f"“{campaign.name}” is deleted.")
        return redirect("admin:campaigns_campaign_changelist")
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Delete",
        original=campaign,
        question=f"Delete “{campaign.name}” and its report?",
        consequences=["The contacts stay, and so does what is known of them."],
        button="Delete the campaign",
        danger=True,
        back_url=reverse("admin:campaigns_campaign_change", args=[pk]),
    )
    return page


def _do(request: HttpRequest, pk: int, use_case: Any, said: str) -> HttpResponse:
    try:
        use_case(campaign=_campaign(pk))
        messages.success(request, said)
    except LettershopError as error:
        tell_refusal(request, error)
    return redirect("admin:campaigns_campaign_change", pk)


def _campaign(pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("template", "provider"), pk=pk)
