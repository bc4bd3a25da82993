"""The daily quotas that a single message counts against: of its key, its user, its tenant, and of all tenants together.

Each has one row a day (UTC) in tenants_usage, but the last: that is the sum of all tenants', because one row for everybody
would make all tenants wait for each other. A user that a program names has a number made of the name, below 0.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import blake2b

from tenants.services.settings import Settings
from tenants.services.usage import DailyQuotaExceeded, resets_at

AS_A_WHOLE = 0

# The rows are locked until the transaction ends, in one order for everybody.
HOLD = """
INSERT INTO public.tenants_usage AS held (tenant_id, key_id, day, used, user_ref)
SELECT t, k, %(day)s, 0, u FROM unnest(%(tenants)s::bigint[], %(keys)s::bigint[], %(users)s::text[]) AS q(t, k, u)
ORDER BY t, k
ON CONFLICT (tenant_id, key_id, day) DO UPDATE SET used = held.used RETURNING tenant_id, key_id, used
"""
SPEND = """
UPDATE public.tenants_usage u SET used = u.used + s.amount
FROM unnest(%(tenants)s::bigint[], %(keys)s::bigint[], %(amounts)s::bigint[]) AS s(t, k, amount)
WHERE u.tenant_id = s.t AND u.key_id = s.k AND u.day = %(day)s
"""
# What all tenants together used on a day.
OF_ALL = "SELECT coalesce(sum(used), 0)::bigint FROM public.tenants_usage WHERE day = %(day)s AND key_id = 0"
# Whoever may use up what is left for all does so alone, until its transaction ends.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('quota of all tenants', 0))"
# So near to the limit of all tenants (messages) the sum is taken anew for each batch, by one at a time.
NEAR = 10_000


class Scope(StrEnum):
    """Whose quota it is, from the nearest to the widest."""

    KEY = "key"
    USER = "user"
    WORKSPACE = "workspace"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Quota:
    """A row of tenants_usage and the most that may be used of it in a day; `limit` None: it is counted only."""

    scope: Scope
    tenant_id: int
    key_id: int
    limit: int | None
    user: str = ""

    @property
    def row(self) -> tuple[int, int]:
        return self.tenant_id, self.key_id


def quotas_for(
    *,
    tenant_id: int,
    plan_daily: int | None,
    settings: Settings,
    key_id: int | None = None,
    key_daily: int | None = None,
    user: str = "",
) -> list[Quota]:
    """Every row that one message is counted in. Pure. `plan_daily` None: the tenant has no plan; `user`: as the program
    names it, "" for none."""
    workspace = plan_daily if plan_daily is not None else settings.workspace_default or None
    quotas: list[Quota] = []
    if key_id is not None:
        quotas.append(Quota(Scope.KEY, tenant_id, key_id, key_daily if key_daily is not None else workspace))
    if user:
        quotas.append(Quota(Scope.USER, tenant_id, number_of_user(user), settings.user_default or None, user))
    quotas.append(Quota(Scope.WORKSPACE, tenant_id, AS_A_WHOLE, workspace))
    return quotas


def number_of_user(user: str) -> int:
    """Below 0, and the same wherever it is asked: the place of keys in tenants_usage."""
    return -(int.from_bytes(blake2b(user.encode(), digest_size=8).digest(), "big") >> 1) - 1


def used_up(scope: Scope, limit: int, day: date, *, user: str = "") -> DailyQuotaExceeded:
    """What is said when nothing is left."""
    whose = {
        Scope.KEY: "this key",
        Scope.USER: f"the user {user}",
        Scope.WORKSPACE: "this tenant",
        Scope.GLOBAL: "all tenants together",
    }[scope]
    return DailyQuotaExceeded(
        f"The daily limit of {whose} is used up: {limit} a day.", limit=limit, resets_at=resets_at(day)
    )
