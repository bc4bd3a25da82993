"""What one contact was sent, and what they did with it: campaigns and single mail together.

A campaign's recipients stand in chunks of ascending contact ids: of each message only the one chunk in whose range the
contact lies is unpacked. Single mail is found by the address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.database import connection
from outbound.states import EventKind, RecipientState


@dataclass(frozen=True, slots=True)
class ContactEngagement:
    """Mails that a provider took for the contact and that did not come back, and how many of them were opened and
    clicked; when that happened last."""

    received: int = 0
    opened: int = 0
    clicked: int = 0
    last_open_at: datetime | None = None
    last_click_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactBounces:
    """Mails to the contact that bounced, at once or later. `is_hard`: whether the last one says that the address is dead."""

    count: int = 0
    last_at: datetime | None = None
    is_hard: bool = False


def engagement_of(*, contact_id: int, email_key: str) -> ContactEngagement:
    """One query: two steps into an index for each campaign message, and one for each single mail."""
    with connection.cursor() as cursor:
        cursor.execute(_ENGAGEMENT, {"contact": contact_id, "key": email_key, **_NUMBERS})
        return ContactEngagement(*cursor.fetchone())


def bounces_of_contacts(contact_ids: Iterable[int]) -> dict[int, ContactBounces]:
    """By contact; who never bounced is left out. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNCES, {"contacts": list(contact_ids), **_NUMBERS})
        return {contact: ContactBounces(*rest) for contact, *rest in cursor.fetchall()}


_NUMBERS: dict[str, Any] = {
    "received": [int(state) for state in (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.COMPLAINED)],
    "hard": int(RecipientState.BOUNCED_HARD),
    "soft": int(RecipientState.BOUNCED_SOFT),
    "open": int(EventKind.OPEN),
    "click": int(EventKind.CLICK),
}

# The messages that have chunks, one step into the index for each: a tenant's single messages are very many more.
_ENGAGEMENT = """
WITH RECURSIVE mailing(id) AS (
    (SELECT message_id FROM outbound_chunk WHERE attempt = 1 ORDER BY message_id LIMIT 1)
    UNION ALL
    SELECT (SELECT message_id FROM outbound_chunk WHERE attempt = 1 AND message_id > mailing.id ORDER BY message_id LIMIT 1)
    FROM mailing WHERE mailing.id IS NOT NULL
), placed AS MATERIALIZED (
    SELECT m.month, m.id AS message_id, c.first_position + array_position(c.contact_ids, %(contact)s) - 1 AS position
    FROM mailing JOIN outbound_message m ON m.id = mailing.id CROSS JOIN LATERAL (
        SELECT first_position, contact_ids FROM outbound_chunk
        WHERE message_id = mailing.id AND attempt = 1 AND contact_ids[1] <= %(contact)s
        ORDER BY contact_ids[1] DESC LIMIT 1
    ) c
    UNION ALL
    SELECT month, message_id, array_position(addresses, %(key)s) - 1
    FROM outbound_submission WHERE addresses @> ARRAY[%(key)s]::text[]
), received AS MATERIALIZED (
    SELECT p.month, p.message_id, p.position, e.opened_at, e.clicked_at
    FROM placed p
    JOIN outbound_recipient r ON r.month = p.month AND r.message_id = p.message_id AND r.position = p.position
    LEFT JOIN outbound_engagement e ON e.month = p.month AND e.message_id = p.message_id AND e.position = p.position
    WHERE p.position IS NOT NULL AND r.state = ANY(%(received)s::smallint[])
)
SELECT count(*), count(opened_at), count(clicked_at),
    max((SELECT max(v.at) FROM outbound_event v WHERE v.month = received.month AND v.message_id = received.message_id
        AND v.position = received.position AND v.kind = %(open)s AND opened_at IS NOT NULL)),
    max((SELECT max(v.at) FROM outbound_event v WHERE v.month = received.month AND v.message_id = received.message_id
        AND v.position = received.position AND v.kind = %(click)s AND clicked_at IS NOT NULL))
FROM received
"""

_BOUNCES = """
SELECT contact_id, count(*), max(at),
    (array_agg(state ORDER BY at DESC))[1] = %(hard)s
FROM outbound_recipient
WHERE contact_id = ANY(%(contacts)s::bigint[])
    AND state IN (%(hard)s, %(soft)s)
GROUP BY contact_id
"""
