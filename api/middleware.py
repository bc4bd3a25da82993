"""What a request passes before Django looks for its view."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from api.dialect_errors import refused_in_dialect
from common.jsonlog import request_of_this_line

Handler = Callable[[HttpRequest], HttpResponse]
# Aegis and the relay's versioned paths stand outside /api/.
_API = ("/api/", "/send", "/status", "/v1/", "/webhook/", "/graphql")
_NO_APIS = ("/admin/", "/static/")

log = logging.getLogger("lettershop.requests")


class OptionalSlash:
    """A trailing slash is optional on every path of an API: no redirect, which would lose a POST's body."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.endswith("/") and not path.startswith(_NO_APIS):
            request.path_info = path.rstrip("/") or "/"
        return self._next(request)


class RequestLog:
    """One line in the log for each call of an API; its request id stands in all lines of the call.

    Of the address only the path is told: a query may hold what is nobody's business.
    """

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(_API):
            return self._next(request)
        began = time.perf_counter()
        path = request.path_info
        token = request_of_this_line.set(request.META.get("REQUEST_ID", ""))
        try:
            response = self._next(request)
            _tell(request, path, response.status_code, time.perf_counter() - began)
        finally:
            request_of_this_line.reset(token)
        return response


class ApiErrors:
    """What Django itself refuses on an API's paths is said in JSON, in the shape of its dialect: no page, no traceback."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        response = self._next(request)
        if response.status_code < 400 or not path.startswith(_API) or _is_said_by_a_view(response):
            return response
        request_id = request.META.get("REQUEST_ID", "")
        said = refused_in_dialect(response.status_code, path=path, request_id=request_id)
        if said is None:
            return _as_v2(response, request_id)
        status, body, headers = said
        return JsonResponse(body, status=status, headers=headers)


_SAID = {
    400: ("bad_request", "This request cannot be understood."),
    403: ("forbidden", "That is not allowed."),
    404: ("not_found", "There is no such path."),
    405: ("method_not_allowed", "This path does not know the method."),
    413: ("body_too_large", "The body is larger than this path takes."),
    503: ("unavailable", "The database cannot be reached just now. Send it again in a moment."),
}
_FAULT = ("internal_error", "Something went wrong here; it has been noted.")
_REFUSAL = ("refused", "This request was refused.")


def _tell(request: HttpRequest, path: str, status: int, seconds: float) -> None:
    caller = getattr(request, "caller", None)
    tenant = getattr(request, "called_tenant", None)
    log.info(
        "%s %s %s",
        request.method,
        path,
        status,
        extra={
            "tenant": tenant.slug if tenant else None,
            "api_key_id": caller.key_id if caller else None,
            "method": request.method,
            "path": path,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        },
    )


def _is_said_by_a_view(response: HttpResponse) -> bool:
    kind = response.headers.get("Content-Type", "")
    return not kind.startswith(("text/html", "text/plain"))


def _as_v2(refused: HttpResponse, request_id: str) -> HttpResponse:
    status = refused.status_code
    code, message = _SAID.get(status, _FAULT if status >= 500 else _REFUSAL)
    hint = f"Give the request id {request_id} when you ask." if status >= 500 and status not in _SAID else None
    body = {"code": code, "message": message, "field": None, "hint": hint, "request_id": request_id}
    again = {name: value for name, value in refused.headers.items() if name == "Retry-After"}
    return JsonResponse({"error": body}, status=status, headers=again)
