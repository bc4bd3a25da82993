"""Answers watchers before anything is asked of the database: it may be what is away."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import Resolver404, resolve

Handler = Callable[[HttpRequest], HttpResponse]
_URLS = "api.health.urls"
_FIRST_WORDS = ("/health", "/metrics")


class WatchDoors:
    """Middleware for before the tenant is looked up, so that these paths answer on every host."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(_FIRST_WORDS):
            return self._next(request)
        try:
            match = resolve(request.path_info.rstrip("/"), urlconf=_URLS)
        except Resolver404:
            return self._next(request)
        request.resolver_match = match
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response: HttpResponse = match.func(request)
        response["Cache-Control"] = "no-store"
        # A monitor asks every few seconds, and hears what is wrong: an entry in the log for each would drown the rest.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response
