"""Paths."""

from django.urls import URLPattern, path

from api.v2.campaigns.actions import CancelView, DuplicateView, PauseView, ResumeView, SendView
from api.v2.campaigns.reports import RecipientsFileView, RecipientsView, ReportView
from api.v2.campaigns.trials import CampaignTestView, PreviewView
from api.v2.campaigns.views import CampaignItemView, CampaignListView, CampaignsView

_ONE = "campaigns/<int:tenant_id>/<int:campaign_id>"

urlpatterns: list[URLPattern] = [
    path("campaigns", CampaignsView.as_view()),
    path("campaigns/<int:tenant_id>", CampaignListView.as_view()),
    path(_ONE, CampaignItemView.as_view()),
    path(f"{_ONE}/send", SendView.as_view()),
    path(f"{_ONE}/pause", PauseView.as_view()),
    path(f"{_ONE}/resume", ResumeView.as_view()),
    path(f"{_ONE}/cancel", CancelView.as_view()),
    path(f"{_ONE}/duplicate", DuplicateView.as_view()),
    path(f"{_ONE}/preview", PreviewView.as_view()),
    path(f"{_ONE}/test", CampaignTestView.as_view()),
    path(f"{_ONE}/report", ReportView.as_view()),
    path(f"{_ONE}/recipients", RecipientsView.as_view()),
    path(f"{_ONE}/recipients.csv", RecipientsFileView.as_view()),
]
