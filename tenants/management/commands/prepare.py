"""manage.py prepare"""

from collections.abc import Mapping
from typing import Any

from tenants.management.base import HouseCommand
from tenants.services.installation import prepare_database, schemas_behind


class Command(HouseCommand):
    help = "Bring the database to this version: shared tables, the template of new tenants, every tenant. Run it again at will."

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        prepare_database(say=lambda line: self.stderr.write(line))
        return {"ready": True, "behind": schemas_behind()}

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        return ["The database is of this version."]
