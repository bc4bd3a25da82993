"""The paths of API v2, each written once, without a trailing slash (api.middleware makes it optional)."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
