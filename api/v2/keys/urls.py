"""Paths."""

from django.urls import URLPattern, path

from api.v2.keys.views import KeyListView, KeysView, KeyView, RotationView

urlpatterns: list[URLPattern] = [
    path("keys", KeysView.as_view()),
    path("keys/<int:tenant_id>", KeyListView.as_view()),
    path("keys/<int:tenant_id>/<int:key_id>", KeyView.as_view()),
    path("keys/<int:tenant_id>/<int:key_id>/rotate", RotationView.as_view()),
]
