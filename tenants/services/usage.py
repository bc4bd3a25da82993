"""Daily quotas of keys and tenants: counted in PostgreSQL, never one over."""

from datetime import UTC, date, datetime, time, timedelta

from common.database import connection
from common.errors import QuotaExceeded
from tenants.models import Tenant

_TENANT_AS_A_WHOLE = 0

_SPEND = """
INSERT INTO public.tenants_usage AS held (tenant_id, key_id, day, used)
SELECT %(tenant)s, %(key)s, %(day)s, %(amount)s WHERE %(amount)s <= %(limit)s
ON CONFLICT (tenant_id, key_id, day) DO UPDATE SET used = held.used + excluded.used
WHERE held.used + excluded.used <= %(limit)s
RETURNING used
"""
_GIVE_BACK = """
UPDATE public.tenants_usage SET used = greatest(0, used - %s) WHERE tenant_id = %s AND key_id = %s AND day = %s
"""
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


def spend(*, tenant: Tenant, key_id: int | None, amount: int, limit: int, day: date) -> int:
    """Count `amount` against a key's quota of that day (UTC), or the tenant's without a key. Returns what is left.

    Raises DailyQuotaExceeded, and then nothing is counted. Part of the caller's transaction; until that ends, others
    who count against the same quota wait.
    """
    key = _TENANT_AS_A_WHOLE if key_id is None else key_id
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, {"tenant": tenant.pk, "key": key, "day": day, "amount": amount, "limit": limit})
        row = cursor.fetchone()
    if row is None:
        whose = "key" if key_id is not None else "tenant"
        raise DailyQuotaExceeded(
            f"The daily limit of this {whose} is used up: {limit} a day.", limit=limit, resets_at=resets_at(day)
        )
    return limit - int(row[0])


def give_back(*, tenant: Tenant, key_id: int | None, amount: int, day: date) -> None:
    """What was counted did not happen after all."""
    with connection.cursor() as cursor:
        key = _TENANT_AS_A_WHOLE if key_id is None else key_id
        cursor.execute(_GIVE_BACK, [amount, tenant.pk, key, day])


def used_on(*, tenant: Tenant, key_id: int | None, day: date) -> int:
    """What was counted that day."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [tenant.pk, _TENANT_AS_A_WHOLE if key_id is None else key_id, day])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def resets_at(day: date) -> datetime:
    """When the quota of `day` ends: the next midnight UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)
