"""Tokens: short-lived, in exchange for a key; and new ones in exchange for what came beside them."""

from datetime import UTC, datetime
from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import Caller, Forbidden
from api.access.authentication import caller_of_refresh
from api.access.tokens import IssuedToken, TokenClaims, issue_refresh_token, issue_token
from api.chunked import receive_chunked
from api.relay.auth.answers import token
from api.relay.auth.reading import read_refresh_body, read_token_body
from api.relay.auth.serializers import RelayRefreshBody, RelayTokenAnswer, RelayTokenBody
from api.relay.base import RelayView
from api.relay.documentation import errors

TAGS = ["Relay: tokens"]
_NOT_KEPT = {"Cache-Control": "no-store"}


class TokenView(RelayView):
    """Any key can be exchanged for a token of its workspace; a token cannot be exchanged for another."""

    scopes: ClassVar[dict[str, str]] = {}
    # A token is no effect that must not happen twice, and is not to be kept.
    idempotent: ClassVar[bool] = False

    @extend_schema(
        operation_id="relay_token_create",
        summary="Exchange a key for a token",
        description="Send the key in X-API-Key. The token works for 15 minutes, or for `expires_in` (an hour at most), for one "
        "workspace and no longer than its key. With `refresh_token` new ones are had for a day. With `user`, calls with "
        "it have that user's limit besides, and messages are that user's: one that names another is refused (403).",
        tags=TAGS,
        request=RelayTokenBody,
        responses={200: RelayTokenAnswer, **errors(body=True)},
        examples=[
            OpenApiExample("To send", {"scopes": ["send", "read"], "expires_in": 600}, request_only=True),
            OpenApiExample("For an end user", {"scopes": ["send"], "user": "user-123"}, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = read_token_body(request.data)
        if self.caller.by_token:
            raise Forbidden("A token is given for a key, not for another token.", hint="Send the key in X-API-Key.")
        if asked.operator and not self.caller.is_admin:
            raise Forbidden("Only an admin key has tokens for operators.", field="operator")
        scopes = asked.scopes or tuple(sorted(self.caller.scopes))
        if missing := sorted(set(scopes) - self.caller.scopes):
            raise Forbidden(f"This key cannot hand out what it does not have: {', '.join(missing)}.", field="scopes")
        # An operator's token belongs to where its key does: it names other workspaces call by call.
        tenant = self.caller.tenant if asked.operator else self.tenant
        given = {
            "key_id": self.caller.key_id,
            "tenant_id": tenant.pk,
            "scopes": scopes,
            "operator": asked.operator,
            "user": asked.user,
        }
        access, refresh = issue_token(**given, seconds=asked.seconds), issue_refresh_token(**given)
        return _answer(access, refresh, workspace_id=tenant.workspace_id)


class RefreshView(RelayView):
    """The refresh token is what identifies the caller; neither key nor token is needed."""

    scopes: ClassVar[dict[str, str]] = {}
    idempotent: ClassVar[bool] = False
    _claims: TokenClaims
    _refresh: str

    def identified(self, request: Request) -> Caller:
        receive_chunked(request._request, at_most=self._largest_body(), held=self._inside)
        self._refresh = read_refresh_body(request.data)
        caller, self._claims = caller_of_refresh(request._request, self._refresh)
        return caller

    @extend_schema(
        operation_id="relay_token_refresh",
        summary="Have a new token",
        description="For a day after the first token was given, and no longer than its key works. The new token has the "
        "rights and the user of the first and works for 15 minutes; the refresh token stays the same.",
        tags=TAGS,
        auth=[],
        request=RelayRefreshBody,
        responses={200: RelayTokenAnswer, **errors(body=True)},
        examples=[OpenApiExample("A new one", {"refresh_token": "eyJhbGciOiJIUzI1NiJ9.…"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        claims = self._claims
        access = issue_token(
            key_id=claims.key_id,
            tenant_id=claims.tenant_id,
            scopes=self.caller.scopes,
            operator=self.caller.is_admin,
            user=claims.user,
        )
        refresh = IssuedToken(self._refresh, claims.expires_at, tuple(sorted(claims.scopes)))
        return _answer(access, refresh, workspace_id=self.caller.tenant.workspace_id)


def _answer(access: IssuedToken, refresh: IssuedToken, *, workspace_id: str) -> Response:
    data = token(access, refresh, workspace_id=workspace_id, now=datetime.now(UTC))
    return Response({"success": True, "data": data}, headers=_NOT_KEPT)
