"""What every view of every dialect has in common: who calls, for which tenant, how often.

A dialect says errors in its own words: it derives from ApiView and gives `get_exception_handler`.
"""

import logging
from contextlib import ExitStack
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponseBase, UnreadablePostError
from rest_framework.exceptions import APIException, ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from api.access import Caller, Unauthenticated, authenticate, tenant_for
from api.chunked import receive_chunked
from api.idempotency import IdempotentPosts
from api.limits import Allowance, count_call
from api.negotiation import OwnFormat
from api.parsing import StrictJSONParser
from api.slow_clients import BodyLost
from common.database import is_away
from common.errors import InvalidInput, LettershopError, Unavailable
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

# What says no to a caller who is known. Anything else is a fault of ours, and nobody's call.
_REFUSALS = (APIException, LettershopError, RequestDataTooBig, UnreadablePostError, BodyLost)


class BodyTooLarge(APIException):
    """Said before a byte of the body is parsed."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is larger than this path takes."


class ApiView(IdempotentPosts, APIView):
    """A view inside its caller's tenant.

    `scopes` names the scope each method needs. The tenant is the path's `tenant_id`, the body's, that of the
    header or host, or the caller's own; the handler runs inside it. A streamed answer must enter it again.
    `largest_body`: bytes; left out, DATA_UPLOAD_MAX_MEMORY_SIZE. `key_as_password`: see `authenticate`.
    """

    scopes: ClassVar[dict[str, str]] = {}
    largest_body: ClassVar[int | None] = None
    key_as_password: ClassVar[bool] = False
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]
    parser_classes: ClassVar[list[Any]] = [StrictJSONParser]
    content_negotiation_class = OwnFormat
    caller: Caller
    tenant: Tenant
    allowance: Allowance | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._inside:
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "OPTIONS":
            return
        self.caller = request._request.caller = self._known(request)
        try:
            tenant = self._asked_for(request, kwargs)
        except _REFUSALS:
            # Whoever sends nonsense, or asks for what is another's, uses up the same limits as with any other call.
            self._count_for(self.caller.tenant, request)
            raise
        self._count_for(tenant, request)
        self._inside.enter_context(tenant_scope(tenant))
        self.answer_posts_once(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response.headers.setdefault(name, value)
        return response

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, RequestDataTooBig):
            exc = BodyTooLarge()
        elif isinstance(exc, UnreadablePostError | BodyLost):
            exc = ParseError("The body did not arrive whole. Send it again.")
        elif is_away(exc):
            log.warning("a call cannot be answered: the database is away", exc_info=exc)
            exc = self._lost()
        return super().handle_exception(exc)

    def _lost(self) -> Unavailable:
        if not self.is_outside:
            return Unavailable("The database cannot be reached just now.", hint="Send it again in a moment.")
        lost = Unavailable(
            "The database was lost while the call was at work: whether it had its effect is not known.",
            hint=self.outside.look if self.outside else None,
        )
        lost.temporary = False
        return lost

    def identified(self, request: Request) -> Caller:
        """Who calls. Raises Unauthenticated."""
        return authenticate(request._request, as_password=self.key_as_password)

    def named_tenant(self, request: Request, kwargs: dict[str, Any]) -> tuple[int | None, str]:
        """The id and the workspace that path, query or body name; None and "" where they name none."""
        return _tenant_id(request, kwargs), ""

    def count(self, request: Request) -> Allowance | None:
        """Count this call against its limits, for `self.tenant`. Raises TooManyCalls.

        Also called for a call that is refused before its handler (a body that is too large or cannot be read, a right
        that is missing, a tenant that is another's), and then for the caller's own tenant.
        """
        return count_call(request._request, caller=self.caller, tenant=self.tenant)

    def checked(self, serializer: type[Serializer], data: Any = None, **options: Any) -> dict[str, Any]:
        """The validated body (or `data`). Raises InvalidInput with the field's name."""
        given = self.request.data if data is None else data
        if not isinstance(given, dict):
            raise InvalidInput("The body must be a JSON object, as in {}.")
        form = serializer(data=given, **options)
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        return values

    def _known(self, request: Request) -> Caller:
        """Raises Unauthenticated, or BodyTooLarge for nobody's body that is too large."""
        if not self._is_too_large(request):
            return self.identified(request)
        try:
            # By the headers alone, whatever the view has: no byte of this body is read.
            return authenticate(request._request, as_password=self.key_as_password)
        except Unauthenticated as nobody:
            raise BodyTooLarge from nobody

    def _asked_for(self, request: Request, kwargs: dict[str, Any]) -> Tenant:
        """The tenant that this caller may call in this way."""
        if self._is_too_large(request):
            raise BodyTooLarge
        # Django answers HEAD by what GET would answer.
        method = "GET" if request.method == "HEAD" else request.method or ""
        if scope := self.scopes.get(method):
            self.caller.require(scope)
        receive_chunked(request._request, at_most=self._largest_body(), held=self._inside)
        self._read_large_body(request)
        tenant_id, workspace = self.named_tenant(request, kwargs)
        return tenant_for(request._request, self.caller, tenant_id=tenant_id, workspace=workspace)

    def _count_for(self, tenant: Tenant, request: Request) -> None:
        self.tenant = request._request.called_tenant = tenant
        self.allowance = self.count(request)

    def _is_too_large(self, request: Request) -> bool:
        largest = self._largest_body()
        return largest is not None and _announced(request) > largest

    def _largest_body(self) -> int | None:
        return self.largest_body or settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def _read_large_body(self, request: Request) -> None:
        """Django reads a body up to one limit for all paths; files in a form have none."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        is_form = (request.content_type or "").lower().startswith("multipart/")
        if most is not None and _announced(request) > most and not is_form:
            request._request._body = request._request.read()


def _announced(request: Request) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length[:20]) if length.isdecimal() else 0


def _tenant_id(request: Request, kwargs: dict[str, Any]) -> int | None:
    if "tenant_id" in kwargs:
        return int(kwargs["tenant_id"])
    body = request.data if request.method in ("POST", "PUT", "PATCH") else None
    named = body.get("tenant_id") if isinstance(body, dict) else None
    # Text or nonsense is left to the body's own check, which names the field.
    return named if isinstance(named, int) and not isinstance(named, bool) else None
