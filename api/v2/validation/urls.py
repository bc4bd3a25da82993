"""Paths."""

from django.urls import URLPattern, path

from api.v2.validation.views import CheckView, ValidateView, ValidationView

urlpatterns: list[URLPattern] = [
    path("contacts/<int:tenant_id>/validate", ValidateView.as_view()),
    path("contacts/<int:tenant_id>/validation", ValidationView.as_view()),
    path("validation/<int:tenant_id>/check", CheckView.as_view()),
]
