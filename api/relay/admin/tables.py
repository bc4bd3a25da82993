"""What a clean-up over all workspaces goes through."""

from django.conf import settings

from outbound.services.cleanup import DatedTable
from tenants.models import Tenant

# Providers repeat what they tell for some days, and it is by these rows that a repetition is known.
_REPEATED_DAYS = 7

WEBHOOK_RECORDS = (
    DatedTable("callbacks_delivery", "created_at", condition="state <> 'waiting'"),
    DatedTable("ledger_hookcall", "received_at", days=_REPEATED_DAYS),
    DatedTable("ledger_hookevent", "received_at", days=_REPEATED_DAYS),
)


def customers() -> list[Tenant]:
    """Every tenant that has mail of its own, closed ones too."""
    return list(Tenant.objects.exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA)).order_by("pk"))
