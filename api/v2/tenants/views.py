"""A tenant: looked at, and its sender changed."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.documentation import errors
from api.v2.tenants.serializers import ProfileBody, TenantShown, shown
from api.v2.views import V2View
from common.errors import InvalidInput
from tenants.services.profile import set_profile_parts, tenant_as_it_is

_TAGS = ["Tenants"]
_WHERE = {"sender": "sender_email"}


class TenantView(V2View):
    """The tenant of the path."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "admin"}

    @extend_schema(
        operation_id="tenants_get",
        summary="Get a tenant",
        description="What it is called, where it is found, and as whom it writes.",
        tags=_TAGS,
        responses={200: TenantShown, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return Response(shown(tenant_as_it_is(self.tenant)))

    @extend_schema(
        operation_id="tenants_update",
        summary="Change a tenant's brand and sender",
        description="Only what is given changes. Name, plan, hosts and workspace are the operator's: they stay as they are.",
        tags=_TAGS,
        request=ProfileBody,
        responses={200: TenantShown, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Brand and sender",
                request_only=True,
                value={
                    "brand_domain": "acme.com",
                    "sender_name": "Acme",
                    "sender_email": "news@acme.com",
                    "reply_to": "help@acme.com",
                },
            )
        ],
    )
    def put(self, request: Request, tenant_id: int) -> Response:
        values = self.checked(ProfileBody)
        try:
            set_profile_parts(
                tenant=self.tenant,
                brand_domain=values.get("brand_domain"),
                sender_name=values.get("sender_name"),
                sender_address=values.get("sender_email"),
                reply_to=values.get("reply_to"),
            )
        except InvalidInput as error:
            error.field = _WHERE.get(error.field or "", error.field)
            raise
        return Response(shown(tenant_as_it_is(self.tenant)))
