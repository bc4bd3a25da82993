"""How often a caller may call."""

from api.limits.allowance import Allowance, count_call

__all__ = ["Allowance", "count_call"]
