"""Who of a campaign's recipients opened and clicked, as bits: made after the recorders, never in their way.

For each message, kind (outbound.states.EventKind: open or click, by people) and block of 2,048 contact ids one bit a contact.
A trigger on the recipients' engagement notes the positions that changed since; readers look these up.
"""

import time
from collections.abc import Iterable

from celery import shared_task
from django.db import transaction

from common.database import connection
from outbound.recording.statements import LOCK, LOCKS
from outbound.recording.steps import tenant_turn
from tenants.services.due import done_with, note_due
from tenants.tasks import OneTenantTask

TASK = "outbound.build_deeds"
# With more changed positions than these, a reader is slow enough to be noticed.
MANY_NEWS = 2_000

_HAS_BITS = """
SELECT ARRAY(
    SELECT k.message_id FROM outbound_deed_known k JOIN outbound_message m ON m.id = k.message_id
    WHERE k.message_id = ANY(%(messages)s::bigint[])
      AND to_regclass('outbound_engagement_' || to_char(m.month, 'YYYYMM')) IS NOT NULL
), (SELECT coalesce(sum(cardinality(positions)), 0) FROM (SELECT positions FROM outbound_deed_news LIMIT %(most)s) n)
"""
_WANTED = """
SELECT m.id, k.message_id IS NULL FROM outbound_message m LEFT JOIN outbound_deed_known k ON k.message_id = m.id
WHERE m.provider_id IS NOT NULL AND (k.message_id IS NULL OR m.id IN (SELECT message_id FROM outbound_deed_news))
ORDER BY m.id DESC
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.outbound_deed', 0))"

# One statement, hence one snapshot: what it reads of the engagement is exactly what it takes off the list of news.
_BUILD = """
WITH read AS (
    DELETE FROM outbound_deed_news WHERE message_id = %(message)s
), old AS (
    DELETE FROM outbound_deed WHERE message_id = %(message)s
), did AS MATERIALIZED (
    SELECT k.ids[e.position - k.first_position + 1] AS id, e.opened, e.clicked FROM (
        SELECT m.month, k.message_id, k.first_position, k.size, k.contact_ids || '{}'::bigint[] AS ids
        FROM outbound_message m JOIN outbound_chunk k ON k.message_id = m.id AND k.attempt = 1
        WHERE m.id = %(message)s OFFSET 0
    ) k CROSS JOIN LATERAL (
        SELECT e.position, e.human_opened_at IS NOT NULL AS opened, e.human_clicked_at IS NOT NULL AS clicked
        FROM outbound_engagement e
        WHERE e.month = k.month AND e.message_id = k.message_id
          AND e.position >= k.first_position AND e.position < k.first_position + k.size
          AND (e.human_opened_at IS NOT NULL OR e.human_clicked_at IS NOT NULL) OFFSET 0
    ) e
), made AS (
    INSERT INTO outbound_deed (message_id, kind, block, bits)
    SELECT %(message)s, kind, (id >> 11)::int, bit_or(set_bit(0::bit(2048), (id & 2047)::int, 1))
    FROM (SELECT 1 AS kind, id FROM did WHERE opened UNION ALL SELECT 2, id FROM did WHERE clicked) d GROUP BY 2, 3 ORDER BY 2, 3
)
INSERT INTO outbound_deed_known (message_id) VALUES (%(message)s) ON CONFLICT DO NOTHING
"""


@shared_task(base=OneTenantTask, name=TASK)
def build_deeds_task(reference: int = 0) -> bool:
    """Started by the tick when a reader met messages without bits, or many changes."""
    if not build_deeds(seconds=60):
        return False
    done_with(task=TASK, reference=reference)
    return True


def messages_with_bits(message_ids: Iterable[int]) -> frozenset[int]:
    """Those that have bits: from now on, until they are deleted. Asks for bits where they are missing, or of old."""
    asked = set(message_ids)
    with connection.cursor() as cursor:
        cursor.execute(_HAS_BITS, {"messages": list(asked), "most": MANY_NEWS})
        found, news = cursor.fetchone()
    if len(found) < len(asked) or news >= MANY_NEWS:
        note_due(task=TASK, reference=0)
    return frozenset(found)


def build_deeds(*, seconds: float = 60.0) -> bool:
    """Build what is missing or changed for up to `seconds`. True when nothing is left, False when time was up or another
    is at it."""
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute(_WANTED)
        wanted = cursor.fetchall()
    return all(time.monotonic() < until and _build(message_id, is_new=is_new) for message_id, is_new in wanted)


def _build(message_id: int, *, is_new: bool) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TRY_LOCK)
        if cursor.fetchone() != (True,):
            return False
        if is_new:
            # Whoever records for this message now does not note it yet: his work must be there to be read.
            cursor.execute(LOCK, [tenant_turn(connection.schema_name), [message_id % LOCKS]])
        cursor.execute(_BUILD, {"message": message_id})
        return True
