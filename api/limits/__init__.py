"""How often a caller may call, and how much it may send."""

from api.limits.allowance import Allowance
from api.limits.calls import count_call
from api.limits.faults import TooManyCalls
from api.limits.sends import count_sends
from api.limits.taking import Limits, take
from api.limits.windows import Window

__all__ = ["Allowance", "Limits", "TooManyCalls", "Window", "count_call", "count_sends", "take"]
