"""What keys and tenants used of their daily quotas. Counting is outbound.submission.storing's, in one statement for many."""

from datetime import UTC, date, datetime, time, timedelta

from common.database import connection
from common.errors import QuotaExceeded
from tenants.models import Tenant

_TENANT_AS_A_WHOLE = 0

_USED = "SELECT used FROM public.tenants_usage WHERE tenant_id = %s AND key_id = %s AND day = %s"


class DailyQuotaExceeded(QuotaExceeded):
    """Used up for today. `retry_after`: seconds until the next day (UTC) begins."""

    def __init__(self, message: str, *, limit: int, resets_at: datetime) -> None:
        super().__init__(message, hint="It begins anew at midnight UTC.")
        self.limit = limit
        self.resets_at = resets_at
        self.retry_after = max(1, int((resets_at - datetime.now(UTC)).total_seconds()) + 1)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(self.resets_at.timestamp())),
            "Retry-After": str(self.retry_after),
        }


def used_on(*, tenant: Tenant, key_id: int | None, day: date) -> int:
    """What was counted that day."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [tenant.pk, _TENANT_AS_A_WHOLE if key_id is None else key_id, day])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def resets_at(day: date) -> datetime:
    """When the quota of `day` ends: the next midnight UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)
