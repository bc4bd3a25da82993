"""From the headers of a request to its caller. A key or token in a URL is never read: URLs end up in logs."""

import base64
import binascii
from dataclasses import replace

from django.http import HttpRequest

from api.access.caller import Caller
from api.access.client_address import client_address
from api.access.faults import NothingShown, Unauthenticated
from api.access.floods import hold_off, note_wrong_key
from api.access.key_checks import KeyState, known_state, state_of_key, state_of_key_id
from api.access.tenancy import active_tenant
from api.access.tokens import TokenClaims, read_refresh_token, read_token

_HOW = "Send a key in the header X-API-Key, or a token as Authorization: Bearer."
_LONGEST = 4096


def authenticate(request: HttpRequest, *, as_password: bool = False) -> Caller:
    """The caller of `X-API-Key`, or of the token in `Authorization: Bearer`; the key counts when both are there.

    `as_password`: a key may also come as the password of HTTP Basic, for providers that can send nothing else.
    Raises Unauthenticated, in the same words whatever is wrong with a key, and TooManyCalls when too many wrong ones
    came from the address (api.access.floods).
    """
    given = request.headers.get("X-API-Key", "")
    if given or (as_password and (given := _password(request))):
        return _admitted(request, _state_of(given, client_address(request))).caller
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and 0 < len(token) <= _LONGEST:
        return _caller_of_token(request, read_token(token.strip()))
    raise NothingShown("The API key is missing.", hint=_HOW)


def caller_of_refresh(request: HttpRequest, token: str) -> tuple[Caller, TokenClaims]:
    """For whom a refresh token gives new tokens, and what it says. Raises Unauthenticated."""
    if not 0 < len(token) <= _LONGEST:
        raise Unauthenticated("This token is not valid.", hint="Ask for a new one, with the key.")
    claims = read_refresh_token(token)
    return _caller_of_token(request, claims), claims


def _state_of(readable: str, address: str) -> KeyState | None:
    if len(readable) > _LONGEST:
        return None
    if known := known_state(readable):
        return known
    hold_off(address)
    state = state_of_key(readable)
    if state is None:
        note_wrong_key(address)
    return state


def _password(request: HttpRequest) -> str:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _caller_of_token(request: HttpRequest, claims: TokenClaims) -> Caller:
    """A token is for its tenant alone, unless it is an operator's, and has no more rights than its key has now."""
    of_key = _admitted(request, state_of_key_id(claims.key_id)).caller
    tenant = of_key.tenant if of_key.tenant.pk == claims.tenant_id else None
    is_admin = of_key.is_admin and claims.operator
    if of_key.is_admin and not is_admin:
        tenant = active_tenant(claims.tenant_id)
    if tenant is None:
        raise Unauthenticated("The tenant of this token is gone.", hint=_HOW)
    scopes = of_key.scopes & claims.scopes
    return replace(of_key, tenant=tenant, scopes=scopes, is_admin=is_admin, user=claims.user, by_token=True)


def _admitted(request: HttpRequest, state: KeyState | None) -> KeyState:
    if state is None or not state.admits(client_address(request)):
        raise Unauthenticated("The API key is not valid.", hint=_HOW)
    return state
