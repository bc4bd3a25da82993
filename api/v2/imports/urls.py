"""The paths of imports."""

from django.urls import URLPattern, path

from api.v2.imports.views import (
    ImportItemView,
    ImportListView,
    ImportRejectsView,
    ImportResumeView,
    ImportRunView,
    ImportStopView,
    ImportsView,
)

_ONE = "imports/<int:tenant_id>/<int:import_id>"

urlpatterns: list[URLPattern] = [
    path("imports", ImportsView.as_view()),
    path("imports/<int:tenant_id>", ImportListView.as_view()),
    path(_ONE, ImportItemView.as_view()),
    path(f"{_ONE}/run", ImportRunView.as_view()),
    path(f"{_ONE}/resume", ImportResumeView.as_view()),
    path(f"{_ONE}/stop", ImportStopView.as_view()),
    path(f"{_ONE}/rejects", ImportRejectsView.as_view()),
]
