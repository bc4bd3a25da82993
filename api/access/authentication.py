"""From the headers of a request to its caller."""

import bcrypt
from django.http import HttpRequest
from django.utils import timezone

from api.access.caller import Caller
from api.access.faults import Unauthenticated
from tenants.models import ApiKey


def authenticate(request: HttpRequest) -> Caller:
    """The caller of `X-API-Key`. Raises Unauthenticated."""
    given = request.headers.get("X-API-Key", "")
    parts = given.split("_", 2)
    key = (
        ApiKey.objects.select_related("tenant", "tenant__plan").filter(prefix=parts[1], revoked_at=None).first()
        if len(parts) == 3
        else None
    )
    if key is None or not bcrypt.checkpw(given.encode()[:72], key.hash.encode()):
        raise Unauthenticated("The API key is missing or not valid.", hint="Send it in the header X-API-Key.")
    if (key.expires_at and key.expires_at <= timezone.now()) or not key.tenant.is_active:
        raise Unauthenticated("The API key is missing or not valid.", hint="Send it in the header X-API-Key.")
    return Caller(
        tenant=key.tenant,
        name=key.name,
        scopes=frozenset(key.scopes),
        is_admin=key.is_admin,
        key_id=key.pk,
        daily_limit=key.daily_limit,
    )
