"""manage.py create_api_key --name NAME [--tenant SLUG] [--limit N] [--scope …] [--admin]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from common.errors import InvalidInput
from tenants.management.base import HouseCommand
from tenants.models import Tenant
from tenants.scope import tenant_by_slug, tenant_scope
from tenants.services.keys import SCOPES, create_api_key


class Command(HouseCommand):
    help = "Make an API key. It is shown once and kept as a hash only."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--tenant", default="", metavar="SLUG", help="whose it is; left out where there is only one"
        )
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--limit", type=int, default=None, help="accepted sends a day; left out: the plan's limit")
        parser.add_argument("--scope", action="append", default=[], help=f"repeat for several: {', '.join(SCOPES)}")
        parser.add_argument("--admin", action="store_true", help="acts for any tenant")

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        tenant = tenant_by_slug(options["tenant"]) if options["tenant"] else _the_only_tenant()
        with tenant_scope(tenant):
            record, readable = create_api_key(
                tenant=tenant,
                name=options["name"],
                daily_limit=options["limit"],
                scopes=options["scope"] or None,
                is_admin=options["admin"],
            )
        return {
            "key": readable,
            "prefix": record.prefix,
            "tenant": tenant.slug,
            "scopes": record.scopes,
            "admin": record.is_admin,
        }

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        return [*super().lines(answer), "Keep the key now: it cannot be shown again."]


def _the_only_tenant() -> Tenant:
    """Raises InvalidInput where there are several, or none."""
    tenants = Tenant.objects.select_related("plan").filter(is_active=True)
    customers: list[Tenant] = list(tenants.exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA))[:2])
    if len(customers) == 1:
        return customers[0]
    what = "There are several tenants" if customers else "There is no tenant yet"
    raise InvalidInput(f"{what}: say whose key it is.", field="tenant", hint="Give --tenant SLUG.")
