"""Paths."""

from django.urls import URLPattern, path

from api.v2.tenants.views import TenantView

urlpatterns: list[URLPattern] = [path("tenants/<int:tenant_id>", TenantView.as_view())]
