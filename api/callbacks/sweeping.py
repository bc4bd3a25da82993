"""The log of deliveries does not grow without end."""

from common.database import connection

KEPT_DAYS = 30
_AT_ONCE = 5_000

_SWEEP = """
DELETE FROM callbacks_delivery WHERE id IN (
    SELECT id FROM callbacks_delivery WHERE created_at < now() - make_interval(days => %s)
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def sweep() -> int:
    """Remove up to 5,000 deliveries older than 30 days, whatever became of them. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, [KEPT_DAYS, _AT_ONCE])
        return int(cursor.rowcount)
