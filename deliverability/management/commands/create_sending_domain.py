"""manage.py create_sending_domain DOMAIN --tenant SLUG"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from deliverability.services.domains import create_sending_domain
from tenants.management.base import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Make a sending domain with its DKIM keys, and print the DNS records to publish."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("--bounce-domain", default="", help="domain of envelope senders")
        parser.add_argument("--tracking-url", default="", help="https://t.example.com")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        domain = create_sending_domain(
            name=options["domain"], bounce_domain=options["bounce_domain"], tracking_url=options["tracking_url"]
        )
        records = {f"{key.selector}._domainkey.{domain.name}": key.record for key in domain.keys.all()}
        return {"id": domain.pk, "domain": domain.name, "txt_records": records}

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        records = [f'{name}  TXT  "{value}"' for name, value in answer["txt_records"].items()]
        return [f"{answer['domain']} is signed from now on. Publish these records:", *records]
