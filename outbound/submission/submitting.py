"""The one call that every door ends in: a message is checked, stored and accepted, or refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from psycopg import AsyncConnection

from common.database import connection
from common.errors import LettershopError
from common.metrics import LIMIT_CHECKS
from outbound.partitions import ensure_month, first_of_month
from outbound.recording.steps import Step
from outbound.submission.batches import Given
from outbound.submission.checks import checked
from outbound.submission.storing import Steps, storing
from outbound.submission.types import Accepted, Submission, Submitter
from tenants.scope import current_tenant
from tenants.services.usage import DailyQuotaExceeded


def submit_message(submission: Submission, *, submitter: Submitter) -> Accepted:
    """Take a message of the entered tenant. When the caller's transaction is committed it is durable and will be sent.

    Counts against the day's quotas of key and tenant. Raises what outbound.submission.faults names, InvalidInput,
    InvalidAddress and DailyQuotaExceeded; then nothing is stored and nothing is counted.
    """
    now = datetime.now(UTC)
    given = Given(checked(submission, now=now), submitter)
    tenant = current_tenant()
    with transaction.atomic():
        ensure_month(first_of_month(now.date()))
        with connection.cursor() as cursor:
            (result,) = _run(cursor, storing(tenant.schema_name, tenant.pk, [given]))
    _measure([result])
    if isinstance(result, LettershopError):
        raise result
    return result


async def submit_batch(
    held: AsyncConnection[Any], *, schema: str, tenant_id: int, given: Sequence[Given]
) -> list[Accepted | LettershopError]:
    """The same for many at once, in one transaction that is committed when this returns. The month's partitions must be there.

    Raises what psycopg raises; then it is not known whether anything was taken.
    """
    steps = storing(schema, tenant_id, given)
    step = _advance(steps, None)
    # In a pipeline only the statements whose rows are asked for are waited for.
    async with held.pipeline(), held.transaction(), held.cursor() as cursor:
        while isinstance(step, Step):
            await cursor.execute(step.statement, step.parameters)
            step = _advance(steps, await cursor.fetchall() if step.rows else [])
    _measure(step)
    return step


def _measure(results: Sequence[Accepted | LettershopError]) -> None:
    """For /metrics: what the day's quotas said."""
    taken = sum(1 for result in results if isinstance(result, Accepted))
    refused = sum(1 for result in results if isinstance(result, DailyQuotaExceeded))
    for word, count in (("allowed", taken), ("refused", refused)):
        if count:
            LIMIT_CHECKS.labels(word).inc(count)


def _run(cursor: Any, steps: Steps) -> list[Accepted | LettershopError]:
    step = _advance(steps, None)
    while isinstance(step, Step):
        cursor.execute(step.statement, step.parameters)
        step = _advance(steps, cursor.fetchall() if step.rows else [])
    return step


def _advance(steps: Steps, rows: list[Any] | None) -> Step | list[Accepted | LettershopError]:
    try:
        return steps.send(rows)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        results: list[Accepted | LettershopError] = end.value
        return results
