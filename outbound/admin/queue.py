"""The operators' view of single messages: which tenants' mail waits, for how long, and who sends it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from psycopg import sql

from common.database import connection
from outbound.posting.heartbeat import living_senders
from tenants.desk.admin import Crumb, ReadOnlyAdmin, needs
from tenants.models import Tenant, WaitingMail
from tenants.sites import operator_site

_MOST_TENANTS = 50
# Senders take what is due within a second: who waits so long waits for a sender, or for a provider.
_SLOW_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TenantQueue:
    """A tenant's mails that are not sent yet. `priorities`: those that are due, 1 to 5."""

    tenant: Tenant
    waiting: int
    due: int
    in_hand: int
    oldest: datetime | None
    priorities: tuple[int, ...]

    @property
    def by_priority(self) -> list[tuple[int, int]]:
        """Each priority that has any, with how many."""
        return [(priority, count) for priority, count in enumerate(self.priorities, 1) if count]


@admin.register(WaitingMail, site=operator_site)
class WaitingMailAdmin(ReadOnlyAdmin):
    """A page in place of a list: what a row says is only that a tenant must be looked at."""

    heading = "Queue"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return queue_page(request, model_admin=self)  # type: ignore[return-value]


@needs("tenants.view_waitingmail")
def queue_page(request: HttpRequest, *, model_admin: WaitingMailAdmin) -> HttpResponse:
    """Tenants with mail that waits, the longest due first."""
    queues = _queues()
    senders = living_senders()
    now = timezone.now()
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/queue.html",
        title=model_admin.heading,
        crumbs=[Crumb(model_admin.heading)],
        rows=[(one, _seconds(one.oldest, now), one.waiting - one.due, one.by_priority) for one in queues],
        senders=sorted(senders) if senders is not None else None,
        due=sum(one.due for one in queues),
        in_hand=sum(one.in_hand for one in queues),
        later=sum(one.waiting - one.due for one in queues),
        oldest=_seconds(min((one.oldest for one in queues if one.oldest), default=None), now),
        slow=_SLOW_AFTER.total_seconds(),
        most=_MOST_TENANTS,
        cut=len(queues) == _MOST_TENANTS,
    )
    return page


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - since).total_seconds()) if since else None


_OF_ONE = """
SELECT {schema} AS name, count(*) FILTER (WHERE q.batch_id IS NULL),
    count(*) FILTER (WHERE q.batch_id IS NULL AND q.due_at <= now()), count(*) FILTER (WHERE q.batch_id IS NOT NULL),
    min(q.due_at) FILTER (WHERE q.due_at <= now()),
    count(*) FILTER (WHERE q.due_at <= now() AND q.priority = 1), count(*) FILTER (WHERE q.due_at <= now() AND q.priority = 2),
    count(*) FILTER (WHERE q.due_at <= now() AND q.priority = 3), count(*) FILTER (WHERE q.due_at <= now() AND q.priority = 4),
    count(*) FILTER (WHERE q.due_at <= now() AND q.priority = 5)
FROM {queue} q
"""


def _queues() -> list[TenantQueue]:
    """Two queries, however many tenants; those whose mail is due for the longest time come first."""
    waiting = WaitingMail.objects.order_by("due_at").values_list("schema", flat=True)[:_MOST_TENANTS]
    tenants = {tenant.schema_name: tenant for tenant in Tenant.objects.filter(schema_name__in=list(waiting))}
    if not tenants:
        return []
    counts = [
        sql.SQL(_OF_ONE).format(schema=sql.Literal(schema), queue=sql.Identifier(schema, "outbound_queue"))
        for schema in tenants
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(counts))
        found = [
            TenantQueue(tenants[schema], waits, due, in_hand, oldest, tuple(by_priority))
            for schema, waits, due, in_hand, oldest, *by_priority in cursor.fetchall()
        ]
    far = timezone.now() + timedelta(days=9999)
    return sorted((one for one in found if one.waiting or one.in_hand), key=lambda one: one.oldest or far)
