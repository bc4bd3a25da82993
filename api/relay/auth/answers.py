"""Tokens as their holders get them."""

from datetime import datetime
from typing import Any

from api.access.tokens import IssuedToken
from api.relay.moments import moment


def token(access: IssuedToken, refresh: IssuedToken, *, workspace_id: str, now: datetime) -> dict[str, Any]:
    """As RFC 6749 (5.1) names its fields, with the times beside the seconds."""
    return {
        "access_token": access.token,
        "token_type": "Bearer",
        "expires_in": _seconds(access.expires_at, now),
        "expires_at": moment(access.expires_at),
        "refresh_token": refresh.token,
        "refresh_expires_in": _seconds(refresh.expires_at, now),
        "scopes": list(access.scopes),
        "workspace_id": workspace_id,
    }


def _seconds(until: datetime, now: datetime) -> int:
    return max(0, round((until - now).total_seconds()))
