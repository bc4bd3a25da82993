"""The limits that each dialect's reference names, beside those of every call (api.limits.calls).

A door makes the windows of a call with one of these functions and gives them to `take` or `take_async`. All are pure:
they read settings and the caller, and ask nobody.
"""

import math
import re

from django.conf import settings

from api.access.caller import Caller
from api.limits.calls import call_windows
from api.limits.windows import Window
from tenants.models import Tenant

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# The same path is served below each of these.
_ROOT = re.compile(r"/(?:api/v1|v1|api)(?=/)")
# What the relay's reference limits by the minute, each on its own.
_RELAY_ENDPOINTS = (
    ("POST", re.compile(r"/messages\Z"), "POST messages", "API_LIMIT_RELAY_SEND"),
    ("GET", re.compile(r"/messages\Z"), "GET messages", "API_LIMIT_RELAY_LIST"),
    ("GET", re.compile(r"/stats/realtime\Z"), "GET stats/realtime", "API_LIMIT_RELAY_REALTIME"),
    ("POST", re.compile(r"/admin/"), "POST admin", "API_LIMIT_RELAY_ADMIN"),
)


def aegis_windows(caller: Caller, tenant: Tenant, *, endpoint: str) -> list[Window]:
    """100 an hour for each key and endpoint (`endpoint`: `POST /send`)."""
    own = Window(f"aegis:key:{caller.key_id}:{endpoint}", settings.API_LIMIT_AEGIS, _HOUR)
    return [own, *call_windows(caller, tenant)]


def relay_windows(caller: Caller, tenant: Tenant, *, method: str, path: str) -> list[Window]:
    """The tier of the tenant's plan (an hour, a day, and a burst in a second), and what the endpoint allows a minute."""
    return [*_tier(tenant), *_endpoint(caller, method, path), *call_windows(caller, tenant)]


def hosting_windows(caller: Caller, tenant: Tenant, *, address: str) -> list[Window]:
    """100 in 15 minutes for each key and for each address ("" where it is not known)."""
    windows = [_hosting(f"key:{caller.key_id}"), *call_windows(caller, tenant)]
    return [*address_windows(address), *windows]


def address_windows(address: str) -> list[Window]:
    """What hosting allows an address, also where nobody says who calls."""
    return [_hosting(f"address:{address}")] if address else []


def _hosting(whose: str) -> Window:
    seconds = max(1, math.ceil(settings.RATE_LIMIT_WINDOW / 1000))
    return Window(f"hosting:{whose}", settings.RATE_LIMIT_MAX, seconds)


def _tier(tenant: Tenant) -> list[Window]:
    plan = tenant.plan
    if plan is None or not settings.API_LIMIT_RELAY_TIERS:
        return []
    name = f"tier:{tenant.pk}"
    return [
        Window(name, plan.hourly_limit, _HOUR),
        Window(name, plan.daily_limit, _DAY),
        Window(name, plan.burst, 1),
    ]


def _endpoint(caller: Caller, method: str, path: str) -> list[Window]:
    below = path[found.end() :] if (found := _ROOT.match(path)) else path
    below = below.rstrip("/")
    return [
        Window(f"relay:key:{caller.key_id}:{name}", getattr(settings, setting), _MINUTE)
        for verb, pattern, name, setting in _RELAY_ENDPOINTS
        if verb == ("GET" if method == "HEAD" else method) and pattern.match(below)
    ]
