"""Campaigns: the list of them; their pages are in campaigns/desk."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from unfold.decorators import display
from unfold.views import ChangeList

from campaigns.desk import actions, campaign_form, campaign_page, erasing, history, home, recipients_page
from campaigns.models import Campaign
from campaigns.reports import Figures, campaign_figures
from tenants.desk.admin import DeskAdmin, View
from tenants.sites import tenant_site
from tenants.templatetags.humane import percent

STATE_COLOURS = {
    "scheduled": "info",
    "sending": "primary",
    "paused": "warning",
    "sent": "success",
    "cancelled": "warning",
    "failed": "danger",
}


class MeasuredCampaigns(ChangeList):
    """The page's campaigns, each with its figures, by four queries for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        found = campaign_figures(campaign_ids=[campaign.pk for campaign in self.result_list])
        for campaign in self.result_list:
            campaign.figures = found.get(campaign.pk, Figures())


@admin.register(Campaign, site=tenant_site)
class CampaignAdmin(DeskAdmin):
    """Mailings."""

    list_display = ("name", "state_label", "audience", "delivered", "opened", "clicked", "bounced", "when")
    list_filter = ("state",)
    search_fields = ("name",)
    list_select_related = ("template",)
    sortable_by = ()
    actions = None
    empty_text = (
        "A campaign sends one template to the contacts with the tags you choose. You see how many people that is "
        "before anything is sent, and afterwards what they did."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MeasuredCampaigns

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("live/", "campaigns_live", home.live_fragment),
            ("reach/", "campaigns_campaign_reach", campaign_form.reach_fragment),
            ("contact/<int:pk>/history/", "campaigns_contact_history", history.history_fragment),
            ("contact/<int:pk>/erase/", "campaigns_contact_erase", erasing.erase_page),
            ("<int:pk>/edit/", "campaigns_campaign_edit", campaign_form.edit_page),
            ("<int:pk>/live/", "campaigns_campaign_live", campaign_page.live_fragment),
            ("<int:pk>/recipients/", "campaigns_campaign_recipients", recipients_page.recipients_page),
            ("<int:pk>/recipients.csv", "campaigns_campaign_recipients_file", recipients_page.recipients_file),
            ("<int:pk>/send/", "campaigns_campaign_send", actions.send_page),
            ("<int:pk>/unschedule/", "campaigns_campaign_unschedule", actions.unschedule),
            ("<int:pk>/pause/", "campaigns_campaign_pause", actions.pause),
            ("<int:pk>/resume/", "campaigns_campaign_resume", actions.resume),
            ("<int:pk>/cancel/", "campaigns_campaign_cancel", actions.cancel_page),
            ("<int:pk>/duplicate/", "campaigns_campaign_duplicate", actions.duplicate),
            ("<int:pk>/remove/", "campaigns_campaign_remove", actions.delete_page),
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponseBase:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return campaign_form.form_page(request, model_admin=self, campaign=None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        if not object_id.isdigit():
            return redirect("admin:campaigns_campaign_changelist")
        return campaign_page.campaign_page(request, model_admin=self, pk=int(object_id))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A page of its own asks, and refuses while it is on its way."""
        return False

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign.state

    @display(description="Audience")
    def audience(self, campaign: Any) -> str:
        return f"{campaign.figures.total:,}" if campaign.figures.total else "–"

    @display(description="Delivered")
    def delivered(self, campaign: Any) -> str:
        return _rate(campaign.figures, campaign.figures.delivery_rate)

    @display(description="Opened")
    def opened(self, campaign: Any) -> str:
        return _rate(campaign.figures, campaign.figures.open_rate)

    @display(description="Clicked")
    def clicked(self, campaign: Any) -> str:
        return _rate(campaign.figures, campaign.figures.click_rate)

    @display(description="Bounced")
    def bounced(self, campaign: Any) -> str:
        return _rate(campaign.figures, campaign.figures.bounce_rate)

    @display(description="When")
    def when(self, campaign: Campaign) -> Any:
        return campaign.scheduled_at or campaign.updated_at


def _rate(figures: Figures, rate: float) -> str:
    return percent(rate) if figures.delivered or figures.bounced_hard or figures.bounced_soft else "–"
