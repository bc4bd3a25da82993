"""manage.py create_provider --tenant SLUG --type smtp --name NAME --host H --port P …"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from outbound.services.providers import create_provider, parse_rate
from tenants.management.base import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Add a provider account: a server or service that takes the tenant's mail."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--type", default="smtp")
        parser.add_argument("--name", required=True)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--tls", default="starttls", help="none, starttls or implicit")
        parser.add_argument("--username", default="")
        parser.add_argument("--password", default="")
        parser.add_argument("--connections", type=int, default=16, help="open at once, in each worker")
        parser.add_argument("--rate", default="", help="5/s, 300/min or 10000/h over all workers; left out: no limit")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        provider = create_provider(
            name=options["name"],
            type=options["type"],
            host=options["host"],
            port=options["port"],
            tls=options["tls"],
            username=options["username"],
            password=options["password"],
            connections=options["connections"],
            rate=parse_rate(options["rate"]),
        )
        return {
            "id": provider.pk,
            "name": provider.name,
            "type": provider.type,
            "host": provider.host,
            "port": provider.port,
        }
