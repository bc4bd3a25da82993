"""The paths of the suppression list."""

from django.urls import URLPattern, path

from api.v2.suppressions.views import (
    SuppressionCheckView,
    SuppressionListView,
    SuppressionsView,
    SuppressionView,
)

urlpatterns: list[URLPattern] = [
    path("suppressions", SuppressionsView.as_view()),
    path("suppressions/<int:tenant_id>", SuppressionListView.as_view()),
    path("suppressions/<int:tenant_id>/check", SuppressionCheckView.as_view()),
    path("suppressions/<int:tenant_id>/<int:suppression_id>", SuppressionView.as_view()),
]
