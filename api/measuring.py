"""Counts and times every request that Django answers, for /metrics."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from common.metrics import HTTP_REQUESTS, HTTP_SECONDS

Handler = Callable[[HttpRequest], HttpResponse]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "unmatched"


class MeasuringMiddleware:
    """Stands before all others. Requests are told apart by URL pattern, never by path: ids would make a figure each."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self._next(request)
        seconds = time.perf_counter() - began
        method = request.method if request.method in _METHODS else "other"
        match = request.resolver_match
        route = (match.route or "/") if match is not None else _NO_ROUTE
        HTTP_REQUESTS.labels(method, route, response.status_code).inc()
        HTTP_SECONDS.labels(method, route).observe(seconds)
        return response
