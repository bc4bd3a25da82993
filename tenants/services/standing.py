"""How the day's quotas of single messages stand."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, Sum

from tenants.models import Tenant, Usage
from tenants.services.quotas import AS_A_WHOLE
from tenants.services.settings import current
from tenants.services.usage import resets_at

MOST_USERS = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """`limit` None: any number."""

    limit: int | None
    used: int

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class QuotaStandings:
    """Today's, in UTC. `users`: by the names that programs gave, those who sent most first, at most MOST_USERS."""

    resets_at: datetime
    installation: Standing
    workspace: Standing
    users: dict[str, Standing]


def standings_of(tenant: Tenant) -> QuotaStandings:
    """Two queries, however many users and tenants there are."""
    settings, day = current(), datetime.now(UTC).date()
    whole = Usage.objects.filter(day=day, key_id=AS_A_WHOLE).aggregate(
        all=Sum("used", default=0), own=Sum("used", default=0, filter=Q(tenant_id=tenant.pk))
    )
    users = (
        Usage.objects.filter(tenant_id=tenant.pk, day=day, key_id__lt=AS_A_WHOLE, used__gt=0)
        .order_by("-used", "user_ref")
        .values_list("user_ref", "used")[:MOST_USERS]
    )
    plan_daily = tenant.plan.daily_limit if tenant.plan is not None else settings.workspace_default or None
    each = settings.user_default or None
    return QuotaStandings(
        resets_at=resets_at(day),
        installation=Standing(settings.global_daily or None, whole["all"]),
        workspace=Standing(plan_daily, whole["own"]),
        users={user: Standing(each, used) for user, used in users},
    )
