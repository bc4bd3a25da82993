"""Keys that the operator gives in the environment: API_KEY, API_KEY_CLIENT1, API_KEY_CLIENT2, API_KEY_ADMIN.

Each becomes an ordinary key, hashed like any other, as soon as its tenant exists: the tenant that was made first for
API_KEY, API_KEY_CLIENT1 and API_KEY_ADMIN (which acts for any tenant), the second one for API_KEY_CLIENT2. A key that
was made stays when its variable is removed; revoked, it stays revoked while the variable is there.
"""

import hmac
from dataclasses import dataclass

from django.conf import settings

from tenants.models import ApiKey, Tenant
from tenants.services.keys import SCOPES, hash_of, prefix_of


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a variable's key belongs: to the tenant with this number, counted from 0 by age."""

    tenant: int
    is_admin: bool = False


_PLACES = {
    "API_KEY": _Place(0),
    "API_KEY_CLIENT1": _Place(0),
    "API_KEY_CLIENT2": _Place(1),
    "API_KEY_ADMIN": _Place(0, is_admin=True),
}


def make_environment_keys() -> list[str]:
    """Make those that are missing and have a tenant by now. Returns the names of their variables. Safe to call at any time."""
    given = {name: key for name, key in settings.ENVIRONMENT_API_KEYS.items() if key}
    prefixes = {name: prefix_of(key) for name, key in given.items()}
    known = (
        set(ApiKey.objects.filter(prefix__in=prefixes.values()).values_list("prefix", flat=True)) if given else set()
    )
    missing = [name for name in given if prefixes[name] not in known]
    if not missing:
        return []
    tenants = _oldest_tenants()
    made = [
        ApiKey(
            tenant=tenants[_PLACES[name].tenant],
            name=name,
            prefix=prefixes[name],
            hash=hash_of(given[name]),
            scopes=[scope for scope in SCOPES if scope != "admin" or _PLACES[name].is_admin],
            is_admin=_PLACES[name].is_admin,
        )
        for name in missing
        if _PLACES[name].tenant < len(tenants)
    ]
    # Of several processes that start at once, one makes the key.
    ApiKey.objects.bulk_create(made, ignore_conflicts=True)
    return [key.name for key in made]


def is_environment_key(readable: str) -> bool:
    """Whether the operator gave this key in the environment; as slow for a near miss as for any other."""
    given = readable.encode()
    # All of them are compared, also after one that is the same.
    same = [hmac.compare_digest(given, key.encode()) for key in settings.ENVIRONMENT_API_KEYS.values() if key]
    return any(same)


def _oldest_tenants() -> list[Tenant]:
    customers = Tenant.objects.exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA))
    return list(customers.order_by("pk")[: 1 + max(place.tenant for place in _PLACES.values())])
