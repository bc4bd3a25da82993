"""What tests of the senders share: messages in the queue as the doors put them there, and ways to look at them."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from common.database import connection
from outbound.partitions import ensure_month, first_of_month
from outbound.posting.sender import Sent, process
from outbound.recording import Hit, record_hits
from outbound.submission.statements import WAKE, for_schema


def post(
    *people: str, priority: int = 3, delay: timedelta = timedelta(0), age: timedelta = timedelta(0), **content: Any
) -> int:
    """One message to these people (the first one is To, the others Cc), as it is stored when it was accepted."""
    schema = connection.schema_name
    now = datetime.now(UTC) - age
    month = first_of_month(now.date())
    ensure_month(month)
    given: dict[str, Any] = {
        "subject": "Your order",
        "html": "<p>It is on its way.</p>",
        "text": "It is on its way.",
        "headers": "[]",
        "metadata": "{}",
        "reply_to": "[]",
        "from_address": "shop@acme.example",
        "from_name": "Shop",
        "tracked": False,
        "size": 100,
        **content,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [f'"{schema}".outbound_message'])
        message_id = int(cursor.fetchone()[0])
        kinds = ["to", *["cc"] * (len(people) - 1)]
        row = {
            **given,
            "id": message_id,
            "due": (now + delay).isoformat(),
            "send_at": (now + delay).isoformat() if delay else None,
            "origin": "single:relay",
            "door": "relay",
            "state": "scheduled" if delay else "queued",
            "key": None,
            "user": "",
            "campaign": "",
            "recipients": json.dumps(
                [{"kind": kind, "email": email, "name": ""} for kind, email in zip(kinds, people, strict=True)]
            ),
            "addresses": [email.lower() for email in people],
            "emails": list(people),
            "priority": priority,
        }
        cursor.execute(
            for_schema(schema).store,
            {"month": month, "now": now, "rows": json.dumps([row])},
        )
        cursor.execute(WAKE, {"schema": schema, "due": now + delay})
    return message_id


def send_what_is_due() -> Sent:
    """A sender's turn for the entered tenant."""
    return process(only=[connection.schema_name])


def standing(message_id: int) -> tuple[str, str, str | None]:
    """State and error of a submission, and the state of its message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.state, s.error, m.state FROM outbound_submission s JOIN outbound_message m ON m.id = s.message_id"
            " WHERE s.message_id = %s",
            [message_id],
        )
        found: tuple[str, str, str | None] = cursor.fetchone()
        return found


def outcomes(message_id: int | None = None) -> Counter[int]:
    """Recipients by state."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM outbound_recipient WHERE %s::bigint IS NULL OR message_id = %s GROUP BY state",
            [message_id, message_id],
        )
        return Counter(dict(cursor.fetchall()))


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def run(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def waiting() -> int:
    return int(rows("SELECT count(*) FROM outbound_queue")[0][0])


def tell(message_id: int, kind: int, *, position: int = 0, detail: str | None = None, link: int | None = None) -> None:
    """An event is recorded, as by the doors."""
    with transaction.atomic(), connection.cursor() as cursor:
        hit = Hit(kind, message_id, position, datetime.now(UTC), link=link, detail=detail)
        record_hits(cursor, schema=connection.schema_name, hits=[hit])


def make_due() -> None:
    """Let the time of everybody who waits have come."""
    run("UPDATE outbound_queue SET due_at = now() - interval '1 second' WHERE batch_id IS NULL")
