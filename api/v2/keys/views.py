"""Keys: made and shown once, listed without their secret, replaced, revoked."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import forget_keys
from api.v2.documentation import errors
from api.v2.keys.granting import check_grant, own_scopes, refuse_tokens
from api.v2.keys.serializers import KeyBody, KeyMade, KeyPage, KeyShown, RotationBody, shown
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.views import V2View
from common.errors import NotFound
from tenants.models import ApiKey
from tenants.services.changes import revoke_api_key
from tenants.services.keys import create_api_key, rotate_api_key

_TAGS = ["Keys"]
_PAGE = [OpenApiParameter("limit", int, description="1 to 500"), OpenApiParameter("cursor", str)]


class KeysView(V2View):
    """A key with the scope admin makes keys for its tenant."""

    scopes: ClassVar[dict[str, str]] = {"POST": "admin"}

    @extend_schema(
        operation_id="keys_create",
        summary="Make a key",
        description="The key is in this answer only. It cannot have scopes that the key that calls has not. A token makes no keys.",
        tags=_TAGS,
        request=KeyBody,
        responses={201: KeyMade, **errors(body=True)},
        examples=[
            OpenApiExample(
                "A key for a shop",
                request_only=True,
                value={"name": "Shop", "scopes": ["contacts", "read"], "allowed_addresses": ["192.0.2.0/24"]},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        refuse_tokens(self.caller)
        values = self.checked(KeyBody)
        check_grant(self.caller, scopes=values.get("scopes", ()), is_admin=values["is_admin"])
        scopes = values["scopes"] if "scopes" in values else own_scopes(self.caller)
        key, readable = create_api_key(
            tenant=self.tenant,
            name=values["name"],
            scopes=scopes,
            is_admin=values["is_admin"],
            daily_limit=values["daily_limit"],
            expires_at=values["expires_at"],
            allowed_addresses=values["allowed_addresses"],
        )
        return _made(key, readable)


class KeyListView(V2View):
    """The keys of a tenant."""

    scopes: ClassVar[dict[str, str]] = {"GET": "admin"}

    @extend_schema(
        operation_id="keys_list",
        summary="List keys",
        description="Revoked and expired ones too, the latest first.",
        tags=_TAGS,
        parameters=_PAGE,
        responses={200: KeyPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit, cursor = limit_of(request), cursor_of(request)
        keys = _visible(self).order_by("-pk")
        if cursor is not None:
            keys = keys.filter(pk__lt=cursor)
        page, following = page_of(list(keys[: limit + 1]), limit=limit)
        return Response({"items": [shown(key) for key in page], "next_cursor": following})


class KeyView(V2View):
    """One key."""

    scopes: ClassVar[dict[str, str]] = {"GET": "admin", "DELETE": "admin"}

    @extend_schema(operation_id="keys_get", summary="Get a key", tags=_TAGS, responses={200: KeyShown, **errors()})
    def get(self, request: Request, tenant_id: int, key_id: int) -> Response:
        return Response(shown(_one(self, key_id)))

    @extend_schema(
        operation_id="keys_revoke",
        summary="Revoke a key",
        description="It opens nothing any more, within a minute everywhere. Revoking it again changes nothing.",
        tags=_TAGS,
        responses={204: None, **errors()},
    )
    def delete(self, request: Request, tenant_id: int, key_id: int) -> Response:
        revoke_api_key(key=_one(self, key_id))
        forget_keys()
        return Response(status=204)


class RotationView(V2View):
    """A new key in place of an old one."""

    scopes: ClassVar[dict[str, str]] = {"POST": "admin"}

    @extend_schema(
        operation_id="keys_rotate",
        summary="Replace a key",
        description="Makes a key with the same rights. The old one works for `grace_seconds` more, 7 days at most. "
        "Not with a token.",
        tags=_TAGS,
        request=RotationBody,
        responses={201: KeyMade, **errors(409, body=True)},
        examples=[OpenApiExample("With an hour to change over", request_only=True, value={"grace_seconds": 3600})],
    )
    def post(self, request: Request, tenant_id: int, key_id: int) -> Response:
        refuse_tokens(self.caller)
        values = self.checked(RotationBody)
        old = _one(self, key_id)
        check_grant(self.caller, scopes=old.scopes, is_admin=old.is_admin)
        key, readable = rotate_api_key(key=old, grace_seconds=values["grace_seconds"])
        forget_keys()
        return _made(key, readable)


def _visible(view: V2View) -> "QuerySet[ApiKey]":
    """A tenant does not see the admin keys that were made with it: they act for all."""
    keys = ApiKey.objects.filter(tenant=view.tenant)
    return keys if view.caller.is_admin else keys.filter(is_admin=False)


def _one(view: V2View, key_id: int) -> ApiKey:
    key = _visible(view).filter(pk=key_id).first()
    if key is None:
        raise NotFound(f"There is no key {key_id}.")
    return key


def _made(key: ApiKey, readable: str) -> Response:
    body: dict[str, Any] = {**shown(key), "key": readable}
    return Response(body, status=201, headers={"Cache-Control": "no-store"})
