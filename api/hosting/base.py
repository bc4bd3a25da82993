"""A view of the hosting service's dialect: its errors, and the workspace that a call names."""

import logging
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import Forbidden, client_address
from api.hosting.errors import refused
from api.limits import Allowance, take
from api.limits.dialects import hosting_windows
from api.views import ApiView
from api.workspaces import named_workspace
from common.errors import LettershopError, NotFound

log = logging.getLogger(__name__)


class HostingView(ApiView):
    """Errors in the hosting service's shape; an admin key names the tenant by `workspace_id`, or by the header."""

    def get_exception_handler(self) -> Any:
        return answer_error

    def named_tenant(self, request: Request, kwargs: dict[str, Any]) -> tuple[int | None, str]:
        tenant_id, _ = super().named_tenant(request, kwargs)
        return tenant_id, named_workspace(request, field="workspace_id")

    def count(self, request: Request) -> Allowance | None:
        """H26: as many for each key, and for each address."""
        return take(hosting_windows(self.caller, self.tenant, address=client_address(request._request)))


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """For every error of a view. What nobody foresaw is logged in full and told in one sentence."""
    known = _as_ours(error)
    if not isinstance(known, LettershopError):
        log.exception("a request failed", exc_info=error)
    request_id = context["request"].META.get("REQUEST_ID", "")
    status, body, headers = refused(known, request_id=request_id, now=datetime.now(UTC))
    return Response(body, status=status, headers=headers)


class _Said(LettershopError):
    """Something that the framework refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


_CODES = {400: "invalid_json", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return _Said(_CODES.get(error.status_code, "bad_request"), str(error.detail))
    if isinstance(error, Http404):
        return NotFound("There is no such thing.")
    if isinstance(error, PermissionDenied):
        return Forbidden("That is not allowed.")
    return error
