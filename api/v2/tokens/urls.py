"""Paths."""

from django.urls import URLPattern, path

from api.v2.tokens.views import TokensView

urlpatterns: list[URLPattern] = [path("tokens", TokensView.as_view())]
