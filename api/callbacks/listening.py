"""What senders and recorders have to write down: the kinds that some active endpoint wants to hear of; and taking turns."""

from api.callbacks.kinds import ALL, Kind
from common.database import connection

# Whoever changes endpoints takes turns, or two changes at once would each miss the other's kinds. Readers do not wait.
_TAKE_TURN = "LOCK TABLE outbound_listener IN SHARE ROW EXCLUSIVE MODE"
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('callbacks_delivery ' || current_schema(), 0))"
_FORGET = "DELETE FROM outbound_listener WHERE kind <> ALL(%s)"
_NOTE = "INSERT INTO outbound_listener (kind) SELECT unnest(%s::varchar[]) ON CONFLICT DO NOTHING"
_WANTED = "SELECT DISTINCT unnest(kinds) FROM callbacks_endpoint WHERE state = 'active'"


def take_turn() -> None:
    """To be called first in a transaction that changes endpoints."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN)


def hold_deliveries() -> None:
    """To be called before many deliveries are changed or one endpoint's are, and after `take_turn`: two that change the
    same rows in another order would wait for each other in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD)


def note_listeners() -> None:
    """Make `outbound_listener` what the active endpoints want; last in the transaction that changed them."""
    with connection.cursor() as cursor:
        cursor.execute(_WANTED)
        wanted = sorted(kind for (kind,) in cursor.fetchall())
        kinds = [str(kind) for kind in Kind] if ALL in wanted else wanted
        cursor.execute(_FORGET, [kinds])
        cursor.execute(_NOTE, [kinds])
