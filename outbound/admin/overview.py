"""The operators' start page: cheap figures only, whatever the number of tenants."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from outbound.admin.operations import STUCK_AFTER
from tenants.admin.tenants import NOT_CUSTOMERS
from tenants.models import ApiKey, DueWork, Tenant


def overview_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the start page shows."""
    customers = Tenant.objects.exclude(schema_name__in=NOT_CUSTOMERS)
    overdue = DueWork.objects.filter(due_at__lt=timezone.now() - STUCK_AFTER)
    return {
        **context,
        "title": "Overview",
        "home_template": "desk/overview.html",
        "tenants_active": customers.filter(is_active=True).count(),
        "tenants_off": customers.filter(is_active=False).count(),
        "newest": customers.select_related("plan").prefetch_related("domains").order_by("-created_at")[:5],
        "keys": ApiKey.objects.filter(revoked_at__isnull=True).count(),
        "waiting": DueWork.objects.count(),
        "overdue": overdue.count(),
    }
