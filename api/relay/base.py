"""A view of the relay's dialect: its errors, its headers, and the workspace that a call names."""

import logging
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import Forbidden
from api.limits import Allowance, take
from api.limits.dialects import relay_windows
from api.relay.deprecation import deprecation_headers
from api.relay.errors import code_of, refused
from api.views import ApiView
from api.workspaces import BODIES, named_workspace
from common.errors import InvalidInput, LettershopError, NotFound
from tenants.models import Tenant

log = logging.getLogger(__name__)


class RelayView(ApiView):
    """Errors in the relay's envelope, limits and deprecation in its headers; the tenant may be named by `workspace_id`."""

    def get_exception_handler(self) -> Any:
        return answer_error

    def named_tenant(self, request: Request, kwargs: dict[str, Any]) -> tuple[int | None, str]:
        """`workspace_id` of the query or the body."""
        return None, named_workspace(request, field="tenant_id", bodies=(*BODIES, "DELETE"))

    def count(self, request: Request) -> Allowance | None:
        """The tier of the workspace's plan and what the path allows a minute, beside the limits of every call."""
        windows = relay_windows(self.caller, self.tenant, method=request.method or "", path=request.path_info)
        return take(windows)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self._own_headers(request).items():
            if name == "Link" and "Link" in response.headers:
                response.headers["Link"] += f", {value}"
            else:
                response.headers.setdefault(name, value)
        return response

    def _own_headers(self, request: Request) -> dict[str, str]:
        tenant: Tenant | None = getattr(self, "tenant", None)
        return relay_headers(request.path.rstrip("/"), tenant, self.allowance, now=datetime.now(UTC))


def relay_headers(path: str, tenant: Tenant | None, allowance: Allowance | None, *, now: datetime) -> dict[str, str]:
    """What every answer of the relay says besides: how long a path will answer, and whose limits these are."""
    headers = deprecation_headers(path)
    if allowance is not None:
        headers |= reset_after(allowance, now=now)
    if tenant is not None:
        headers["X-RateLimit-Workspace"] = tenant.workspace_id
    return headers


def reset_after(allowance: Allowance, *, now: datetime) -> dict[str, str]:
    """The seconds that stand beside X-RateLimit-Reset."""
    return {"X-RateLimit-Reset-After": str(max(0, allowance.reset_at - int(now.timestamp())))}


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """For every error of a view. What nobody foresaw is logged in full and told in one sentence."""
    known = _as_ours(error)
    if code_of(known) in ("INTERNAL_ERROR", "DATABASE_ERROR"):
        log.exception("a request failed", exc_info=error)
    request_id = context["request"].META.get("REQUEST_ID", "")
    status, body, headers = refused(known, request_id=request_id, now=datetime.now(UTC))
    return Response(body, status=status, headers=headers)


class _Said(LettershopError):
    """Something the framework refused, with its own code."""

    def __init__(
        self, code: str, message: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.code = code
        self.headers = headers or {}


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, exceptions.ValidationError):
        field, fault = _first(error.detail)
        return _Said("missing_field" if fault.code == "required" else "invalid_input", str(fault), field=field)
    if isinstance(error, exceptions.MethodNotAllowed):
        return _Said("method_not_allowed", str(error.detail))
    if isinstance(error, exceptions.APIException) and error.status_code in (413, 415):
        return _Said("body_too_large" if error.status_code == 413 else "unsupported_media_type", str(error.detail))
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return InvalidInput(str(error.detail))
    if isinstance(error, Http404):
        return NotFound("There is no such thing.")
    if isinstance(error, PermissionDenied):
        return Forbidden("That is not allowed.")
    return error


def _first(detail: Any, path: str = "") -> tuple[str | None, exceptions.ErrorDetail]:
    """The first fault in a serializer's tree: dotted path and sentence."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        inside = str(name) if not path else f"{path}.{name}"
        return _first(inner, path if name == "non_field_errors" else inside)
    if isinstance(detail, list) and detail:
        at = next((index for index, one in enumerate(detail) if one), 0)
        if isinstance(detail[at], dict):
            return _first(detail[at], f"{path}[{at}]")
        return _first(detail[at], path)
    return path or None, detail if isinstance(detail, exceptions.ErrorDetail) else exceptions.ErrorDetail(str(detail))
