"""API keys: made once, shown once, kept as a hash."""

import secrets

import bcrypt

from common.errors import InvalidInput
from tenants.models import ApiKey, Tenant

SCOPES = ("send", "read", "contacts", "campaigns", "stats", "webhooks", "domains", "admin")


def create_api_key(
    *,
    tenant: Tenant,
    name: str,
    daily_limit: int | None = None,
    scopes: list[str] | None = None,
    is_admin: bool = False,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its only readable copy: `ls_<prefix>_<secret>`.

    Scopes left out mean all of them but admin. Raises InvalidInput.
    """
    if not name.strip():
        raise InvalidInput("A key needs a name, so that it can be told apart later.", field="name")
    if daily_limit is not None and daily_limit < 1:
        raise InvalidInput("The daily limit must be 1 or more.", field="limit")
    chosen = list(dict.fromkeys(scopes)) if scopes else [scope for scope in SCOPES if scope != "admin"]
    for scope in chosen:
        if scope not in SCOPES:
            raise InvalidInput(f"There is no scope {scope!r}.", field="scope", hint=f"Scopes: {', '.join(SCOPES)}.")
    prefix = secrets.token_hex(6)
    # 32 random bytes: bcrypt reads 72 bytes at most, and this text has 60.
    readable = f"ls_{prefix}_{secrets.token_urlsafe(32)}"
    hashed = bcrypt.hashpw(readable.encode(), bcrypt.gensalt(rounds=10)).decode()
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name.strip(),
        prefix=prefix,
        hash=hashed,
        scopes=chosen,
        is_admin=is_admin,
        daily_limit=daily_limit,
    )
    return key, readable
