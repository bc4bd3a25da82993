"""What every view of API v2 has in common: who calls, for which tenant, how often, and how errors are said."""

from contextlib import ExitStack
from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from api.access import Caller, authenticate, tenant_for
from api.idempotency import IdempotentPosts
from api.limits import Allowance, count_call
from api.v2.errors import answer_error
from tenants.models import Tenant
from tenants.scope import tenant_scope


class V2View(IdempotentPosts, APIView):
    """A view inside its caller's tenant.

    `scopes` names the scope each method needs. The tenant is the path's `tenant_id`, the body's, that of the
    header or host, or the caller's own; the handler runs inside it. A streamed answer must enter it again.
    """

    scopes: ClassVar[dict[str, str]] = {}
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]
    parser_classes: ClassVar[list[Any]] = [JSONParser]
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
        self.caller = authenticate(request._request)
        if scope := self.scopes.get(request.method or ""):
            self.caller.require(scope)
        self.tenant = tenant_for(request._request, self.caller, tenant_id=_tenant_id(request, kwargs))
        self.allowance = count_call(request._request, caller=self.caller, tenant=self.tenant)
        self._inside.enter_context(tenant_scope(self.tenant))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response.headers.setdefault(name, value)
        return response

    def get_exception_handler(self) -> Any:
        return answer_error

    def checked(self, serializer: type[Serializer], data: Any = None, **options: Any) -> dict[str, Any]:
        """The validated body (or `data`). Raises InvalidInput with the field's name."""
        form = serializer(data=self.request.data if data is None else data, **options)
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        return values


def _tenant_id(request: Request, kwargs: dict[str, Any]) -> int | None:
    if "tenant_id" in kwargs:
        return int(kwargs["tenant_id"])
    body = request.data if request.method in ("POST", "PUT", "PATCH") else None
    named = body.get("tenant_id") if isinstance(body, dict) else None
    # Text or nonsense is left to the body's own check, which names the field.
    return named if isinstance(named, int) and not isinstance(named, bool) else None
