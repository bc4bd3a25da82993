"""What tests of submitted messages share: messages that were accepted, and what senders and recorders make of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from common.database import connection
from deliverability.models import SendingDomain
from outbound.models import ProviderAccount
from outbound.services.providers import create_provider
from outbound.states import RecipientState
from outbound.submission.submitting import submit_message
from outbound.submission.types import Accepted, Door, Mailbox, Submission, Submitter

NOBODY = Submitter()


def able_to_send() -> ProviderAccount:
    """A sending domain, and a provider that nobody asks."""
    SendingDomain.objects.get_or_create(name="acme.example")
    found = ProviderAccount.objects.first()
    return found or create_provider(name="Relay", host="127.0.0.1", port=2525, tls="none")


def submission(**given: Any) -> Submission:
    values: dict[str, Any] = {
        "door": Door.RELAY,
        "to": (Mailbox("ana@example.com", "Ana"),),
        "subject": "Your order",
        "html": "<p>It is on its way.</p>",
        "text": "It is on its way.",
        "sender": Mailbox("shop@acme.example", "Acme"),
    }
    return Submission(**{**values, **given})


def people(*addresses: str) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(address) for address in addresses)


def submitted(**given: Any) -> Accepted:
    """An accepted message of the entered tenant."""
    able_to_send()
    return submit_message(submission(**given), submitter=NOBODY)


def later(hours: int = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def take(message_id: int) -> int:
    """A sender takes all of it into a batch. Returns the batch's id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_batch (owner, lease_until, provider_id, size)"
            " SELECT 'test', now() + interval '20 seconds', min(id), 1 FROM outbound_provideraccount RETURNING id"
        )
        batch: int = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE outbound_queue SET batch_id = %s, place = position WHERE message_id = %s", [batch, message_id]
        )
    return batch


def end(message_id: int, *states: RecipientState, code: int | None = None, reason: str | None = None) -> None:
    """A sender writes outcomes, for the recipients in their order, as its one statement does."""
    whole = _WHOLE[max(states, key=lambda one: _WORST.index(one))]
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS (DELETE FROM outbound_queue WHERE message_id = %(id)s RETURNING month, position, attempt)"
            " INSERT INTO outbound_recipient AS r (month, message_id, position, contact_id, state, attempts, code, reason, at, provider_id)"
            " SELECT month, %(id)s, position, 0, s.state, attempt, CASE WHEN s.state <> 3 THEN %(code)s::int END,"
            " CASE WHEN s.state <> 3 THEN %(reason)s END, now(), (SELECT min(id) FROM outbound_provideraccount)"
            " FROM gone CROSS JOIN LATERAL (SELECT (%(states)s::smallint[])[position + 1] AS state) s"
            " ON CONFLICT (month, message_id, position) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,"
            " code = excluded.code, reason = excluded.reason, at = excluded.at",
            {"id": message_id, "states": [int(state) for state in states], "code": code, "reason": reason},
        )
        cursor.execute(
            "UPDATE outbound_submission SET state = %s, processed_at = now(), error = %s,"
            " provider_id = (SELECT min(id) FROM outbound_provideraccount) WHERE message_id = %s",
            [whole, reason or "", message_id],
        )
        cursor.execute("UPDATE outbound_message SET state = 'finished' WHERE id = %s", [message_id])
        for column, meant in _COUNTED.items():
            count = sum(state in meant for state in states)
            cursor.execute(
                f"INSERT INTO outbound_daily AS d (day, origin, slot, {column}) VALUES"
                " ((now() AT TIME ZONE 'UTC')::date, 'single', 0, %s)"
                f" ON CONFLICT (day, origin, slot) DO UPDATE SET {column} = d.{column} + excluded.{column}",
                [count],
            )


def defer(message_id: int, *, code: int = 451, reason: str = "4.3.0 try again") -> None:
    """The provider refused all of it for now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_attempt (month, message_id, position, number, state, code, reason, at, provider_id)"
            " SELECT month, message_id, position, attempt, 2, %s, %s, clock_timestamp(), (SELECT min(id) FROM outbound_provideraccount)"
            " FROM outbound_queue WHERE message_id = %s",
            [code, reason, message_id],
        )
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, attempts, code, reason, at, next_at)"
            " SELECT month, message_id, position, 0, 2, attempt, %s, %s, now(), now() + interval '1 hour' FROM outbound_queue"
            " WHERE message_id = %s ON CONFLICT (month, message_id, position) DO UPDATE SET attempts = excluded.attempts",
            [code, reason, message_id],
        )
        cursor.execute(
            "UPDATE outbound_queue SET batch_id = NULL, place = NULL, attempt = attempt + 1, due_at = now() + interval '1 hour'"
            " WHERE message_id = %s",
            [message_id],
        )
        cursor.execute(
            "UPDATE outbound_submission SET state = 'deferred', error = %s WHERE message_id = %s", [reason, message_id]
        )


def row(query: str, *values: Any) -> Any:
    """The one row of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()


def counted(column: str) -> int:
    """What the day's counts say of single messages."""
    return int(row(f"SELECT coalesce(sum({column}), 0) FROM outbound_daily WHERE origin = 'single'")[0])


_WORST = (
    RecipientState.DELIVERED, RecipientState.SENT, RecipientState.CANCELLED, RecipientState.IN_DOUBT, RecipientState.BOUNCED_SOFT,
    RecipientState.BOUNCED_HARD, RecipientState.SUPPRESSED, RecipientState.FAILED,
)  # fmt: skip
_WHOLE = {
    RecipientState.DELIVERED: "delivered", RecipientState.SENT: "sent", RecipientState.CANCELLED: "cancelled",
    RecipientState.IN_DOUBT: "in_doubt", RecipientState.BOUNCED_SOFT: "bounced", RecipientState.BOUNCED_HARD: "bounced",
    RecipientState.SUPPRESSED: "failed", RecipientState.FAILED: "failed",
}  # fmt: skip
_COUNTED = {
    "sent": (RecipientState.SENT,), "refused_hard": (RecipientState.BOUNCED_HARD,), "refused_soft": (RecipientState.BOUNCED_SOFT,),
    "failed": (RecipientState.FAILED,), "suppressed": (RecipientState.SUPPRESSED,), "in_doubt": (RecipientState.IN_DOUBT,),
}  # fmt: skip
