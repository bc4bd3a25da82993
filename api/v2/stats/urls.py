"""Paths."""

from django.urls import URLPattern, path

from api.v2.stats.views import CampaignsView, ContactsView, EventsView, OverviewView, PerformanceView

urlpatterns: list[URLPattern] = [
    path("stats/<int:tenant_id>/contacts", ContactsView.as_view()),
    path("stats/<int:tenant_id>/campaigns", CampaignsView.as_view()),
    path("stats/<int:tenant_id>/events", EventsView.as_view()),
    path("stats/<int:tenant_id>/overview", OverviewView.as_view()),
    path("stats/<int:tenant_id>/performance", PerformanceView.as_view()),
]
