"""manage.py create_api_key --tenant SLUG --name NAME [--limit N] [--scope …] [--admin]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from tenants.management.base import TenantCommand
from tenants.models import Tenant
from tenants.services.keys import SCOPES, create_api_key


class Command(TenantCommand):
    help = "Make an API key. It is shown once and kept as a hash only."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--limit", type=int, default=None, help="accepted sends a day; left out: the plan's limit")
        parser.add_argument("--scope", action="append", default=[], help=f"repeat for several: {', '.join(SCOPES)}")
        parser.add_argument("--admin", action="store_true", help="acts for any tenant")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        record, readable = create_api_key(
            tenant=tenant,
            name=options["name"],
            daily_limit=options["limit"],
            scopes=options["scope"],
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
