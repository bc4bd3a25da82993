"""manage.py create_tenant SLUG --name NAME --host HOST [--workspace ws-001] [--plan free|basic|pro|enterprise]
[--brand-domain DOMAIN] [--sender "NAME <ADDRESS>"] [--track-single-mail]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tenants.management.base import HouseCommand
from tenants.models import Tenant
from tenants.services.creation import create_tenant
from tenants.services.installation import prepare_database
from tenants.services.profile import check_profile, set_profile


class Command(HouseCommand):
    help = "Make a tenant: a schema of its own, and the host its desk answers on."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--host", required=True, help="host name of its desk and tracked links, without port")
        parser.add_argument(
            "--workspace", default="", help="as clients of the relay name it; left out: the next ws-NNN"
        )
        parser.add_argument("--plan", default="free", help="free, basic, pro or enterprise")
        parser.add_argument("--brand-domain", default="", metavar="DOMAIN", help="of its brand, for instance acme.com")
        parser.add_argument(
            "--sender", default="", metavar='"NAME <ADDRESS>"', help="of campaigns that name no sender of their own"
        )
        parser.add_argument(
            "--track-single-mail",
            action="store_true",
            help="count opens and clicks of single mail; left out: it is not",
        )

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        prepare_database(say=lambda line: self.stderr.write(line))
        shown = {"brand_domain": options["brand_domain"], "sender": options["sender"]}
        check_profile(**shown)
        made = create_tenant(
            slug=options["slug"],
            name=options["name"],
            host=options["host"],
            workspace_id=options["workspace"],
            plan=options["plan"],
            tracks_single_mail=options["track_single_mail"],
        )
        profile = set_profile(tenant=Tenant.objects.get(pk=made.id), **shown)
        given = {name: value for name, value in asdict(profile).items() if value}
        return {**asdict(made), **given}
