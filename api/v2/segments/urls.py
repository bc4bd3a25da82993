"""Paths."""

from django.urls import URLPattern, path

from api.v2.segments.counting import SegmentContactsView, SegmentCountView, SegmentTryView
from api.v2.segments.views import SegmentListView, SegmentsView, SegmentView

urlpatterns: list[URLPattern] = [
    path("segments", SegmentsView.as_view()),
    path("segments/<int:tenant_id>", SegmentListView.as_view()),
    path("segments/<int:tenant_id>/try", SegmentTryView.as_view()),
    path("segments/<int:tenant_id>/<int:segment_id>", SegmentView.as_view()),
    path("segments/<int:tenant_id>/<int:segment_id>/count", SegmentCountView.as_view()),
    path("segments/<int:tenant_id>/<int:segment_id>/contacts", SegmentContactsView.as_view()),
]
