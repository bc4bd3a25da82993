"""Tokens: what a key can be exchanged for, so that a browser or a job never holds the key itself.

JSON Web Tokens (RFC 7519) signed with HS256 under a key that is derived from SECRET_KEY for this purpose only. A token
is for one tenant, has scopes of its key, and opens nothing any more within a minute after its key does not.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
    """What a token that is good says. `operator`: it acts for any tenant, as its admin key does."""

    key_id: int
    tenant_id: int
    scopes: frozenset[str]
    expires_at: datetime
    operator: bool = False


def issue_token(
    *, key_id: int, tenant_id: int, scopes: Iterable[str], seconds: int = DEFAULT_SECONDS, operator: bool = False
) -> IssuedToken:
    """A token of this key for this tenant. The caller has checked that the scopes are the key's, and for `operator` that
    it is an admin key."""
    return _issue(_KIND, key_id, tenant_id, scopes, seconds, operator)


def issue_refresh_token(*, key_id: int, tenant_id: int, scopes: Iterable[str], operator: bool = False) -> IssuedToken:
    """What opens nothing, and can be exchanged for tokens of these rights for REFRESH_SECONDS."""
    return _issue(_REFRESH, key_id, tenant_id, scopes, REFRESH_SECONDS, operator)


def read_token(token: str) -> TokenClaims:
    """Raises Unauthenticated for a token that was not made here, was changed, or has expired."""
    return _read(token, _KIND)


def read_refresh_token(token: str) -> TokenClaims:
    """The same for one that is to be exchanged."""
    return _read(token, _REFRESH)


def _issue(kind: str, key_id: int, tenant_id: int, scopes: Iterable[str], seconds: int, operator: bool) -> IssuedToken:
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=seconds)
    chosen = tuple(sorted(scopes))
    claims = {
        "iss": _ISSUER,
        "sub": str(key_id),
        "tenant": tenant_id,
        "scopes": chosen,
        "kind": kind,
        "iat": now,
        "exp": expires_at,
        "jti": secrets.token_urlsafe(12),
    }
    if operator:
        claims["operator"] = True
    return IssuedToken(jwt.encode(claims, _signing_key(), algorithm=_ALGORITHM), expires_at, chosen)


def _read(token: str, kind: str) -> TokenClaims:
    try:
        claims = jwt.decode(
            token, _signing_key(), algorithms=[_ALGORITHM], issuer=_ISSUER, options={"require": _CLAIMS}
        )
        if claims["kind"] != kind:
            raise ValueError
        return TokenClaims(
            int(claims["sub"]),
            int(claims["tenant"]),
            frozenset(claims["scopes"]),
            datetime.fromtimestamp(claims["exp"], UTC),
            claims.get("operator") is True,
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("This token has expired.", hint="Ask for a new one at /api/v2/tokens.") from None
    except (jwt.InvalidTokenError, TypeError, ValueError):
        raise Unauthenticated("This token is not valid.", hint="Ask for one at /api/v2/tokens.") from None


def _signing_key() -> bytes:
    return hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"api-tokens").digest()
