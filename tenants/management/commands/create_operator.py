"""manage.py create_operator --email E --password P"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from tenants.management.base import HouseCommand
from tenants.services.creation import create_operator
from tenants.services.installation import prepare_database


class Command(HouseCommand):
    help = "Make somebody who runs the installation: logs in at the operators' desk on the public host."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True)

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        prepare_database(say=lambda line: self.stderr.write(line))
        user = create_operator(email=options["email"], password=options["password"])
        return {"id": user.pk, "email": user.email, "role": user.role}
