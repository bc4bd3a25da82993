"""Do the tables fit this version of the program?"""

from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from common.database import connection
from outbound.health.check import Check, fine, wrong
from tenants.services.installation import schemas_behind

_NAMED = 5


def schema_check() -> Check:
    """Shared tables first, then every tenant's schema, by one query."""
    behind = ["public"] if _shared_tables_are_behind() else schemas_behind()
    if not behind:
        return fine("tables", "All tables are of this version.")
    more = f" and {len(behind) - _NAMED} more" if len(behind) > _NAMED else ""
    return wrong(
        "tables",
        f"The tables of {', '.join(behind[:_NAMED])}{more} are of an earlier version.",
        "Run `manage.py prepare`.",
    )


def _shared_tables_are_behind() -> bool:
    """Looked at in the public schema."""
    loader = MigrationLoader(connection)
    apps = {app.rsplit(".", 1)[-1] for app in settings.SHARED_APPS}
    return bool({key for key in loader.graph.nodes if key[0] in apps} - set(loader.applied_migrations))
