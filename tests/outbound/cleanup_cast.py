"""Messages of long ago, for the tests of the clean-up."""

from datetime import UTC, date, datetime, timedelta

from common.database import connection
from outbound.partitions import ensure_month, first_of_month
from outbound.recording import record_hits
from outbound.recording.hits import Hit
from outbound.states import EventKind, RecipientState
from tests.outbound.submission_cast import end, row, submitted

_TABLES = ("submission", "attachment", "recipient", "attempt", "event", "engagement")


def sent_long_ago(days: int, state: RecipientState = RecipientState.SENT, *, opens: int = 0) -> int:
    """A message that was over so many days ago, with events."""
    message_id = submitted().message_id
    end(message_id, state)
    if opens:
        hits = [Hit(EventKind.OPEN, message_id, 0, datetime.now(UTC)) for _ in range(opens)]
        with connection.cursor() as cursor:
            record_hits(cursor, schema=connection.schema_name, hits=hits)
    move_back(message_id, days)
    return message_id


def move_back(message_id: int, days: int) -> date:
    """As if the message had been made so many days ago. Returns its month."""
    made = datetime.now(UTC) - timedelta(days=days)
    month = first_of_month(made.date())
    ensure_month(month)
    given = {"id": message_id, "month": month, "made": made}
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"UPDATE outbound_{table} SET month = %(month)s WHERE message_id = %(id)s", given)
        cursor.execute("UPDATE outbound_queue SET month = %(month)s WHERE message_id = %(id)s", given)
        cursor.execute("UPDATE outbound_submission SET created_at = %(made)s WHERE message_id = %(id)s", given)
        cursor.execute("UPDATE outbound_message SET month = %(month)s, created_at = %(made)s WHERE id = %(id)s", given)
    return month


def left(message_id: int) -> dict[str, int]:
    """How many rows of each table are still about the message."""
    told = {
        table: row(f"SELECT count(*) FROM outbound_{table} WHERE message_id = %s", message_id)[0] for table in _TABLES
    }
    told["message"] = row("SELECT count(*) FROM outbound_message WHERE id = %s", message_id)[0]
    told["tally"] = row("SELECT count(*) FROM outbound_tally WHERE message_id = %s", message_id)[0]
    return {table: count for table, count in told.items() if count}


def partitions_of(month: date) -> set[str]:
    """Which tables have a partition of that month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT left(c.relname, -7) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname LIKE 'outbound_%%' AND c.relkind = 'r' AND right(c.relname, 7) = %s",
            [connection.schema_name, f"_{month:%Y%m}"],
        )
        return {name for (name,) in cursor.fetchall()}
