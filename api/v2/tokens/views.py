"""Tokens: short-lived, for one tenant, in exchange for a key."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import Forbidden
from api.access.tokens import issue_token
from api.v2.documentation import errors
from api.v2.keys.granting import check_grant
from api.v2.tokens.serializers import TokenBody, TokenMade
from api.v2.views import V2View


class TokensView(V2View):
    """Any key can be exchanged for a token of its tenant; a token cannot be exchanged for a longer one."""

    scopes: ClassVar[dict[str, str]] = {}
    # A token is no effect that must not happen twice, and is not to be kept.
    idempotent: ClassVar[bool] = False

    @extend_schema(
        operation_id="tokens_create",
        summary="Exchange a key for a token",
        description="The token works for 15 minutes, or for `seconds` (an hour at most), for one tenant, "
        "and no longer than its key. With `user`, calls with it have that user's limit besides, and messages sent with "
        "it are that user's: one that names another is refused (403).",
        tags=["Tokens"],
        request=TokenBody,
        responses={201: TokenMade, **errors(body=True)},
        examples=[
            OpenApiExample("To read for five minutes", request_only=True, value={"scopes": ["read"], "seconds": 300}),
            OpenApiExample("For an end user", request_only=True, value={"scopes": ["send"], "user": "user-123"}),
        ],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(TokenBody)
        if self.caller.by_token:
            raise Forbidden("A token is given for a key, not for another token.", hint="Send the key in X-API-Key.")
        scopes = values.get("scopes") or sorted(self.caller.scopes)
        check_grant(self.caller, scopes=scopes, is_admin=False)
        issued = issue_token(
            key_id=self.caller.key_id,
            tenant_id=self.tenant.pk,
            scopes=set(scopes),
            seconds=values["seconds"],
            user=values.get("user", ""),
        )
        answer = {
            "token": issued.token,
            "token_type": "Bearer",
            "expires_at": issued.expires_at,
            "scopes": list(issued.scopes),
        }
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})
