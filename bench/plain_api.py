"""The plain way to serve contacts and tags: DRF's generic views over the ORM, without keys, limits or log.

Host names decide the tenant, by the same middleware.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402
from rest_framework.pagination import PageNumberPagination  # noqa: E402

from campaigns.models import Campaign  # noqa: E402
from contacts.models import Contact, Tag  # noqa: E402


class Pages(PageNumberPagination):
    page_size = 50


def _serializer(made_of: type) -> type:
    meta = type("Meta", (), {"model": made_of, "fields": "__all__"})
    return type("PlainSerializer", (serializers.ModelSerializer,), {"Meta": meta})


def _view(kind: type, made_of: type) -> object:
    return type(
        "PlainView",
        (kind,),
        {"queryset": made_of.objects.all(), "serializer_class": _serializer(made_of), "pagination_class": Pages},
    ).as_view()


urlpatterns = [
    path("plain/contacts", _view(generics.ListAPIView, Contact)),
    path("plain/contacts/<int:pk>", _view(generics.RetrieveAPIView, Contact)),
    path("plain/tags", _view(generics.ListAPIView, Tag)),
    path("plain/campaigns", _view(generics.ListAPIView, Campaign)),
]


def make_app() -> object:
    settings.ROOT_URLCONF = __name__
    return WSGIMiddleware(WSGIHandler(), workers=8)
