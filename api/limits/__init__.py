"""How often a caller may call, and how much it may send."""

from api.limits.allowance import Allowance
from api.limits.calls import call_windows, count_call
from api.limits.dialects import address_windows, aegis_windows, hosting_windows, relay_windows
from api.limits.faults import TooManyCalls
from api.limits.taking import Limits, take
from api.limits.taking_async import close_limits, take_async
from api.limits.windows import Window

__all__ = [
    "Allowance",
    "Limits",
    "TooManyCalls",
    "Window",
    "address_windows",
    "aegis_windows",
    "call_windows",
    "close_limits",
    "count_call",
    "hosting_windows",
    "relay_windows",
    "take",
    "take_async",
]
