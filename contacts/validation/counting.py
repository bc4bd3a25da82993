"""How many contacts are in each state: exact, in the time of one look at a short table."""

from celery import shared_task

from common.database import connection
from contacts.models import ValidationState
from tenants.services.due import done_with, note_due
from tenants.tasks import OneTenantTask

FOLD_TASK = "contacts.validation.fold_counts"
_MANY_NOTES = 1_000

_SUM = "SELECT state, sum(count)::bigint, count(*) FROM contacts_validation_tally GROUP BY state"
_FOLD = """
WITH gone AS (DELETE FROM contacts_validation_tally RETURNING state, count)
INSERT INTO contacts_validation_tally (state, count) SELECT state, sum(count) FROM gone GROUP BY state
"""


def validation_counts() -> dict[ValidationState, int]:
    """All contacts by state; every state is there."""
    with connection.cursor() as cursor:
        cursor.execute(_SUM)
        rows = cursor.fetchall()
    if sum(notes for _, _, notes in rows) > _MANY_NOTES:
        note_due(task=FOLD_TASK, reference=0)
    found = {state: int(count) for state, count, _ in rows}
    return {state: found.get(state.value, 0) for state in ValidationState}


def fold_counts() -> None:
    """Make one note of many. What others note meanwhile stays as it is; the sum is the same at any time."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)


@shared_task(base=OneTenantTask, name=FOLD_TASK)
def fold_counts_task(reference: int = 0) -> None:
    """Started by the tick when a count met many notes."""
    fold_counts()
    done_with(task=FOLD_TASK, reference=reference)
