"""The paths of tags."""

from django.urls import URLPattern, path

from api.v2.tags.views import TagListView, TagsView, TagView

urlpatterns: list[URLPattern] = [
    path("tags", TagsView.as_view()),
    path("tags/<int:tenant_id>", TagListView.as_view()),
    path("tags/<int:tenant_id>/<int:tag_id>", TagView.as_view()),
]
