"""How many contacts came from a source: summed up from the lines that the database notes with every change."""

from collections.abc import Iterable

from celery import shared_task

from common.database import connection
from tenants.services.due import done_with, note_due
from tenants.tasks import OneTenantTask

TASK = "contacts.sum_up_sources"
_MANY_LINES = 5_000  # a millisecond of reading

_SUM_UP = """
WITH gone AS (DELETE FROM contacts_sourcetally RETURNING source_id, change)
INSERT INTO contacts_sourcetally (source_id, change)
SELECT source_id, sum(change) FROM gone GROUP BY source_id HAVING sum(change) <> 0
"""


def contact_counts(source_ids: Iterable[int]) -> dict[int, int]:
    """Contacts by the id of their source, 0 where there are none. Exact at any time."""
    ids = list(source_ids)
    counts = dict.fromkeys(ids, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_id, sum(change), count(*) FROM contacts_sourcetally WHERE source_id = ANY(%s) GROUP BY 1",
            [ids],
        )
        found = cursor.fetchall()
    counts.update({source: int(change) for source, change, _ in found})
    if sum(lines for _, _, lines in found) > _MANY_LINES:
        note_due(task=TASK, reference=0)
    return counts


@shared_task(base=OneTenantTask, name=TASK)
def sum_up_sources(reference: int = 0) -> None:
    """Many lines become one for each source; the sums stay what they are."""
    with connection.cursor() as cursor:
        cursor.execute(_SUM_UP)
    done_with(task=TASK, reference=reference)
