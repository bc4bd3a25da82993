"""Paths."""

from django.urls import URLPattern, path

from api.v2.variants.views import VariantsView, WinnerView

_ONE = "campaigns/<int:tenant_id>/<int:campaign_id>/variants"

urlpatterns: list[URLPattern] = [
    path(_ONE, VariantsView.as_view()),
    path(f"{_ONE}/winner", WinnerView.as_view()),
]
