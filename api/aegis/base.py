"""A view of Aegis' dialect."""

import logging
from datetime import UTC, datetime
from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from api.aegis.errors import FAULT, BodyTooLarge, MalformedRequest, MethodNotAllowed, refused, verdict
from api.views import ApiView
from common.errors import NotFound

log = logging.getLogger(__name__)


class AegisView(ApiView):
    """Errors are said in Aegis' shape."""

    def get_exception_handler(self) -> Any:
        return answer_error


class OpenAegisView(AegisView):
    """For what needs no key: nobody is identified, nothing is counted, no tenant is entered."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nobody has to be known."""


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """For every error of a view. What nobody foresaw is logged in full and told in one sentence."""
    known = _as_ours(error)
    if verdict(known)[1] == FAULT:
        log.exception("a request failed", exc_info=error)
    request_id = context["request"].META.get("REQUEST_ID", "")
    status, body, headers = refused(known, request_id=request_id, now=datetime.now(UTC))
    return Response(body, status=status, headers=headers)


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed(str(error.detail))
    if isinstance(error, exceptions.UnsupportedMediaType):
        return MalformedRequest("The body must be JSON: send Content-Type: application/json.")
    if isinstance(error, exceptions.APIException) and error.status_code == 413:
        return BodyTooLarge()
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return MalformedRequest(f"Invalid JSON: {error.detail}")
    if isinstance(error, Http404):
        return NotFound("There is no such thing.")
    return error
