"""Tokens: what a key can be exchanged for, so that a browser or a job never holds the key itself.

JSON Web Tokens (RFC 7519) signed with HS256 under a key that is derived from SECRET_KEY for this purpose only. A token
is for one tenant, has scopes of its key, and opens nothing any more within a minute after its key does not. It may act for an
end user of the tenant, and then its calls and sends are counted as theirs too.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings

from api.access.faults import Unauthenticated

DEFAULT_SECONDS = 15 * 60
LONGEST_SECONDS = 60 * 60
REFRESH_SECONDS = 24 * 60 * 60

_ALGORITHM = "HS256"
_ISSUER = "lettershop"
_KIND = "key"
_REFRESH = "refresh"
_CLAIMS = ["iss", "sub", "tenant", "scopes", "kind", "iat", "exp", "jti"]


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as its holder gets it."""

    token: str
    expires_at: datetime
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token that is good says. `operator`: it acts for any tenant, as its admin key does. `user`: the end user it
    acts for, "" for none."""

    key_id: int
    tenant_id: int
    scopes: frozenset[str]
    expires_at: datetime
    operator: bool = False
    user: str = ""


def issue_token(
    *,
    key_id: int,
    tenant_id: int,
    scopes: Iterable[str],
    seconds: int = DEFAULT_SECONDS,
    operator: bool = False,
    user: str = "",
) -> IssuedToken:
    """A token of this key for this tenant. The caller has checked that the scopes are the key's, for `operator` that
    it is an admin key, and `user` with api.access.end_users."""
    return _issue(_KIND, scopes, seconds, **_whose(key_id, tenant_id, operator=operator, user=user))


def issue_refresh_token(
    *, key_id: int, tenant_id: int, scopes: Iterable[str], operator: bool = False, user: str = ""
) -> IssuedToken:
    """What opens nothing, and can be exchanged for tokens of these rights for REFRESH_SECONDS."""
    return _issue(_REFRESH, scopes, REFRESH_SECONDS, **_whose(key_id, tenant_id, operator=operator, user=user))


def read_token(token: str) -> TokenClaims:
    """Raises Unauthenticated for a token that was not made here, was changed, or has expired."""
    return _read(token, _KIND)


def read_refresh_token(token: str) -> TokenClaims:
    """The same for one that is to be exchanged."""
    return _read(token, _REFRESH)


def _whose(key_id: int, tenant_id: int, *, operator: bool, user: str) -> dict[str, Any]:
    """Claims. What is not so is left out."""
    claims: dict[str, Any] = {"sub": str(key_id), "tenant": tenant_id}
    if operator:
        claims["operator"] = True
    if user:
        claims["user"] = user
    return claims


def _issue(kind: str, scopes: Iterable[str], seconds: int, **whose: Any) -> IssuedToken:
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=seconds)
    chosen = tuple(sorted(scopes))
    claims = {
        **whose,
        "iss": _ISSUER,
        "scopes": chosen,
        "kind": kind,
        "iat": now,
        "exp": expires_at,
        "jti": secrets.token_urlsafe(12),
    }
    return IssuedToken(jwt.encode(claims, _signing_key(), algorithm=_ALGORITHM), expires_at, chosen)


def _read(token: str, kind: str) -> TokenClaims:
    try:
        claims = jwt.decode(
            token, _signing_key(), algorithms=[_ALGORITHM], issuer=_ISSUER, options={"require": _CLAIMS}
        )
        user = claims.get("user", "")
        if claims["kind"] != kind or not isinstance(user, str):
            raise ValueError
        return TokenClaims(
            int(claims["sub"]),
            int(claims["tenant"]),
            frozenset(claims["scopes"]),
            datetime.fromtimestamp(claims["exp"], UTC),
            claims.get("operator") is True,
            user,
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("This token has expired.", hint="Ask for a new one at /api/v2/tokens.") from None
    except (jwt.InvalidTokenError, TypeError, ValueError):
        raise Unauthenticated("This token is not valid.", hint="Ask for one at /api/v2/tokens.") from None


def _signing_key() -> bytes:
    return hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"api-tokens").digest()
