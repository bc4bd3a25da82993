"""What is left of a caller's limits, as the headers of every response say it."""

from dataclasses import dataclass

from django.http import HttpRequest

from api.access import Caller
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Allowance:
    """`reset_at`: epoch seconds when the window that is nearest to its end is free again."""

    limit: int
    remaining: int
    reset_at: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


def count_call(request: HttpRequest, *, caller: Caller, tenant: Tenant) -> Allowance | None:
    """Count this call against every limit that applies. Raises QuotaExceeded (with `retry_after`, seconds)."""
    return None
