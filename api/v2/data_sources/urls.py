"""Paths."""

from django.urls import URLPattern, path

from api.v2.data_sources.syncs import SourceRunsView, SourceRunView, SourceSyncView, SourceTestView
from api.v2.data_sources.views import SourceItemView, SourceListView, SourcesView

_ITEM = "data-sources/<int:tenant_id>/<int:source_id>"

urlpatterns: list[URLPattern] = [
    path("data-sources", SourcesView.as_view()),
    path("data-sources/<int:tenant_id>", SourceListView.as_view()),
    path(_ITEM, SourceItemView.as_view()),
    path(f"{_ITEM}/sync", SourceSyncView.as_view()),
    path(f"{_ITEM}/test", SourceTestView.as_view()),
    path(f"{_ITEM}/runs", SourceRunsView.as_view()),
    path(f"{_ITEM}/runs/<int:run_id>", SourceRunView.as_view()),
]
