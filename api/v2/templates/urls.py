"""Paths."""

from django.urls import URLPattern, path

from api.v2.templates.views import (
    TemplateCheckView,
    TemplateItemView,
    TemplateListView,
    TemplatePreviewView,
    TemplatesView,
)

urlpatterns: list[URLPattern] = [
    path("templates", TemplatesView.as_view()),
    path("templates/<int:tenant_id>", TemplateListView.as_view()),
    path("templates/<int:tenant_id>/check", TemplateCheckView.as_view()),
    path("templates/<int:tenant_id>/<int:template_id>", TemplateItemView.as_view()),
    path("templates/<int:tenant_id>/<int:template_id>/preview", TemplatePreviewView.as_view()),
]
