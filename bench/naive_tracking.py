"""The plain way to count an open: a Django view that looks the message up and inserts one row by the ORM."""

import os
from itertools import count
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

from api.public.answers import PIXEL  # noqa: E402
from outbound.models import Event, Message  # noqa: E402
from outbound.stamping import key_ring  # noqa: E402
from outbound.states import EventKind  # noqa: E402

_ids = count(1_000_000_000)


def opened(request: HttpRequest, token: str) -> HttpResponse:
    _insert(request, token, EventKind.OPEN, None)
    return HttpResponse(PIXEL, content_type="image/gif", headers={"Cache-Control": "no-store"})


def clicked(request: HttpRequest, token: str, number: int) -> HttpResponse:
    message = _insert(request, token, EventKind.CLICK, number)
    return HttpResponseRedirect(message.links[number]["url"])


def _insert(request: HttpRequest, token: str, kind: int, link: int | None) -> Message:
    named = key_ring().read(token)
    message = Message.objects.get(pk=named.message_id)
    Event.objects.create(
        month=message.month,
        id=next(_ids),
        at=timezone.now(),
        kind=kind,
        message_id=message.pk,
        position=named.position,
        link=link,
        ip=request.META.get("REMOTE_ADDR"),
        agent=request.headers.get("User-Agent", "")[:300],
    )
    return message


urlpatterns = [path("o/<str:token>.gif", opened), path("c/<str:token>/<int:number>", clicked)]


def make_app() -> Any:
    settings.ROOT_URLCONF = "bench.naive_tracking"
    settings.MIDDLEWARE = ["tenants.middleware.TenantMiddleware", "django.middleware.common.CommonMiddleware"]
    return WSGIMiddleware(WSGIHandler(), workers=4)
