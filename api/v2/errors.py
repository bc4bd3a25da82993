"""Errors as API v2 says them: `{"error": {"code", "message", "field", "hint", "request_id"}}`."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from api.access import Forbidden, Unauthenticated
from common.errors import Conflict, InvalidInput, LettershopError, NotFound, QuotaExceeded, Refused, Unavailable

log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[LettershopError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (InvalidInput, 422),
    (QuotaExceeded, 429),
    (Unavailable, 503),
)


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """For every error of a view. What nobody foresaw is logged in full and told in one sentence."""
    request_id = context["request"].META.get("REQUEST_ID", "")
    if isinstance(error, LettershopError):
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
        response = _response(status, error.code, error.message, error.field, error.hint, request_id)
        if error.temporary:
            response["Retry-After"] = str(getattr(error, "retry_after", 5))
        for name, value in getattr(error, "headers", {}).items():
            response[name] = value
        return response
    if isinstance(error, exceptions.ValidationError):
        field, message = _first(error.detail)
        return _response(422, "invalid_input", message, field, None, request_id)
    if isinstance(error, exceptions.APIException):
        return _response(error.status_code, str(error.default_code), str(error.detail), None, None, request_id)
    if isinstance(error, Http404):
        return _response(404, "not_found", "There is no such thing.", None, None, request_id)
    if isinstance(error, PermissionDenied):
        return _response(403, "forbidden", "That is not allowed.", None, None, request_id)
    log.exception("a request failed", exc_info=error)
    message = "Something went wrong here; it has been noted."
    return _response(
        500, "internal_error", message, None, f"Give the request id {request_id} when you ask.", request_id
    )


def _response(status: int, code: str, message: str, field: str | None, hint: str | None, request_id: str) -> Response:
    told = {"code": code, "message": message, "field": field, "hint": hint, "request_id": request_id}
    body = {name: _encodable(text) if text else text for name, text in told.items()}
    return Response({"error": body}, status=status)


def _encodable(text: str) -> str:
    """Half characters, which JSON can escape and UTF-8 cannot write, may come back in names and quotes of a body."""
    return text.encode(errors="backslashreplace").decode()


def _first(detail: Any, path: str = "") -> tuple[str | None, str]:
    """The first fault in a serializer's tree: dotted path and sentence."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        inside = str(name) if not path else f"{path}.{name}"
        return _first(inner, path if name == "non_field_errors" else inside)
    if isinstance(detail, list):
        at = next((index for index, one in enumerate(detail) if one), 0)
        if detail and isinstance(detail[at], dict):
            return _first(detail[at], f"{path}.{at}" if path else str(at))
        return _first(detail[at] if detail else "", path)
    return path or None, str(detail)
