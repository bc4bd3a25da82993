"""manage.py create_member --tenant SLUG --email E --password P [--role …]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from tenants.management.base import TenantCommand
from tenants.members.models import Role
from tenants.models import Tenant
from tenants.services.creation import create_member


class Command(TenantCommand):
    help = "Make somebody who can log in at the tenant's desk."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True)
        parser.add_argument("--role", default=Role.OWNER.value, help="owner, marketer or viewer")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        user = create_member(tenant=tenant, email=options["email"], password=options["password"], role=options["role"])
        return {"id": user.pk, "email": user.email, "role": user.role, "tenant": tenant.slug}
