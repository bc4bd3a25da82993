"""The limits that every call of an API stands under."""

from django.conf import settings
from django.http import HttpRequest

from api.access.caller import Caller
from api.limits.allowance import Allowance
from api.limits.taking import take
from api.limits.windows import Window
from tenants.models import Tenant

_MINUTE = 60


def count_call(request: HttpRequest, *, caller: Caller, tenant: Tenant) -> Allowance | None:
    """Count this call against the limits of its key and user, of the tenant it is about, and of all calls.

    None when there are none. Raises TooManyCalls (a QuotaExceeded with `retry_after` and `headers`), and then it is
    counted nowhere; Unavailable when there is nowhere to count.
    """
    return take(call_windows(caller, tenant))


def call_windows(caller: Caller, tenant: Tenant) -> list[Window]:
    """What a call of any dialect counts against: its key, the user it is made for, its tenant, all of them."""
    windows = [
        Window(f"tenant:{tenant.pk}", settings.API_LIMIT_PER_TENANT, _MINUTE),
        Window("all", settings.API_LIMIT_GLOBAL, _MINUTE),
        Window(f"key:{caller.key_id}", settings.API_LIMIT_PER_KEY, _MINUTE),
    ]
    if caller.user:
        # Users are named by each tenant for itself, and are the same whichever key their token is of.
        name = f"user:{caller.tenant.pk}:{caller.user}"
        windows.append(Window(name, settings.API_LIMIT_PER_USER, _MINUTE))
    return windows
