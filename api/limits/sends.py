"""The limits of a plan and a key on what is sent one by one. Campaigns are not counted here."""

from datetime import UTC, datetime

from api.access.caller import Caller
from api.limits.allowance import Allowance
from api.limits.taking import take
from api.limits.windows import Window
from common.errors import LettershopError, Refused
from tenants.models import Plan, Tenant
from tenants.services.usage import give_back, resets_at, spend

_HOUR = 3600


def count_sends(*, caller: Caller, tenant: Tenant, amount: int = 1) -> Allowance | None:
    """Count `amount` accepted sends: a day's quota of the key and of the tenant, and the plan's hourly limit and burst.

    The allowance is the tightest one's. Raises QuotaExceeded (with `retry_after`), and then nothing is counted;
    Refused when the plan allows none; Unavailable. The day's quotas belong to the caller's transaction.
    """
    plan = tenant.plan
    if plan is not None and plan.hourly_limit == 0:
        raise Refused("The plan of this tenant allows no such sends.", hint="Ask the operator for another plan.")
    day = datetime.now(UTC).date()
    resets = int(resets_at(day).timestamp())
    spent: list[int | None] = []
    allowances: list[Allowance] = []
    try:
        for key_id, limit in _daily(caller, tenant):
            left = spend(tenant=tenant, key_id=key_id, amount=amount, limit=limit, day=day)
            spent.append(key_id)
            allowances.append(Allowance(limit, left, resets))
        if plan is not None and (taken := take(_windows(tenant, plan), amount=amount)) is not None:
            allowances.append(taken)
    except LettershopError:
        for key_id in spent:
            give_back(tenant=tenant, key_id=key_id, amount=amount, day=day)
        raise
    return min(allowances, key=lambda one: one.remaining, default=None)


def _daily(caller: Caller, tenant: Tenant) -> list[tuple[int | None, int]]:
    """Quotas as (key, limit), always in the same order so that two callers never wait for each other."""
    plan_limit = tenant.plan.daily_limit if tenant.plan is not None else None
    quotas: list[tuple[int | None, int]] = []
    key_limit = caller.daily_limit if caller.daily_limit is not None else plan_limit
    if caller.key_id is not None and key_limit is not None:
        quotas.append((caller.key_id, key_limit))
    if plan_limit is not None:
        quotas.append((None, plan_limit))
    return quotas


def _windows(tenant: Tenant, plan: Plan) -> list[Window]:
    return [
        Window(f"sends:{tenant.pk}", plan.hourly_limit, _HOUR),
        Window(f"sends:{tenant.pk}", plan.burst, 1),
    ]
