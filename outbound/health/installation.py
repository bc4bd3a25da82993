"""The whole examination, from the ground up: what stands on something that is broken is not looked at."""

from collections.abc import Callable

from django.db import DatabaseError

from common.database import connection
from outbound.health.check import Check
from outbound.health.configuration import configuration_checks
from outbound.health.schemas import schema_check
from outbound.health.servers import broker_checks, database_checks, disk_check, redis_check
from outbound.health.work import work_checks

# What is examined by apps that this one does not know; they add themselves when they are ready.
further_checks: list[Callable[[], Check]] = []


def installation_checks(*, answer_seconds: float = 1.5) -> list[Check]:
    """Look at everything; workers have `answer_seconds` to answer. Never raises for what it came to find.

    Leaves the connection in the public schema.
    """
    checks = [*configuration_checks(), disk_check(), redis_check(), *broker_checks(answer_seconds)]
    database = database_checks()
    checks += database
    if not database[0].ok:
        return checks
    connection.set_schema_to_public()
    try:
        schemas = schema_check()
        checks.append(schemas)
        if schemas.ok:
            checks += [*work_checks(), *(check() for check in further_checks)]
    except DatabaseError as error:
        checks.append(Check("tables", False, f"The tables cannot be read: {error}".strip(), "Run `manage.py prepare`."))
    return checks
