"""Taking deliveries in hand: leased, one of a lane at a time, no more of an endpoint than it has room for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.callbacks.models import event_name
from api.callbacks.wording import Notice
from common.database import connection
from outbound.submission.ids import public_id
from tenants.scope import current_tenant

# Longer than a try may take, so that nothing is sent by two; after a crash it is how long the ones in flight wait.
LEASE_SECONDS = 45

_IS_FIRST = """
NOT EXISTS (
    SELECT FROM callbacks_delivery earlier WHERE earlier.endpoint_id = d.endpoint_id
      AND earlier.message_id = d.message_id AND earlier.lane = d.lane AND earlier.state = 'waiting' AND earlier.id < d.id)
"""
_CLAIM = """
WITH room AS (SELECT * FROM unnest(%(endpoints)s::bigint[], %(rooms)s::int[]) AS r(endpoint_id, free)),
first AS MATERIALIZED (
    SELECT c.id FROM room r CROSS JOIN LATERAL (
        SELECT d.id FROM callbacks_delivery d
        WHERE d.endpoint_id = r.endpoint_id AND d.state = 'waiting' AND d.due_at <= statement_timestamp()
          AND (d.lease_until IS NULL OR d.lease_until < statement_timestamp()) AND IS_FIRST
        ORDER BY d.due_at, d.id LIMIT r.free FOR UPDATE OF d SKIP LOCKED
    ) AS c
)
UPDATE callbacks_delivery d SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM first WHERE d.id = first.id RETURNING d.id
""".replace("IS_FIRST", _IS_FIRST)
_FACTS = """
SELECT d.id, d.endpoint_id, d.event_id::text, d.kind, d.at, d.message_id, d.attempt, d.code, d.detail, d.tries,
    coalesce(s.recipients -> d.position ->> 'email', c.email), coalesce(r.attempts, 0), split_part(m.origin, ':', 2),
    split_part(m.origin, ':', 1), coalesce(s.campaign_ref, ''), coalesce(s.user_ref, ''), coalesce(s.metadata, '{}')
FROM callbacks_delivery d
LEFT JOIN outbound_message m ON m.id = d.message_id
LEFT JOIN outbound_submission s ON s.month = d.month AND s.message_id = d.message_id
LEFT JOIN outbound_recipient r ON r.month = d.month AND r.message_id = d.message_id AND r.position = d.position
LEFT JOIN contacts_contact c ON c.id = r.contact_id
WHERE d.id = ANY(%s) ORDER BY d.id
"""
_NEXT = """
SELECT min(c.due_at) FROM callbacks_endpoint e CROSS JOIN LATERAL (
    SELECT greatest(d.due_at, d.lease_until, e.resting_until) AS due_at FROM callbacks_delivery d
    WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND IS_FIRST
    ORDER BY d.due_at, d.id LIMIT 50
) AS c WHERE e.state = 'active'
""".replace("IS_FIRST", _IS_FIRST)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in hand. `tries`: those before this one. `event`: as it stands in webhook-id."""

    delivery_id: int
    endpoint_id: int
    event: str
    tries: int
    notice: Notice


def claim(rooms: Mapping[int, int]) -> list[Claimed]:
    """Lease up to so many deliveries for each endpoint, those that have been due for longest."""
    open_rooms = {endpoint: free for endpoint, free in rooms.items() if free > 0}
    if not open_rooms:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {"endpoints": list(open_rooms), "rooms": list(open_rooms.values()), "lease": LEASE_SECONDS},
        )
        leased = [delivery_id for (delivery_id,) in cursor.fetchall()]
        if not leased:
            return []
        cursor.execute(_FACTS, [leased])
        return [_claimed(row) for row in cursor.fetchall()]


def next_due() -> datetime | None:
    """When the first of what waits for active endpoints can be sent; None when nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        found: datetime | None = cursor.fetchone()[0]
        return found


def _claimed(row: tuple[Any, ...]) -> Claimed:
    (delivery_id, endpoint_id, event_id, kind, at, message_id, attempt, code, detail, tries) = row[:10]
    recipient, attempts, number, origin, campaign, user, metadata = row[10:]
    notice = Notice(
        kind=kind,
        at=at,
        message_id=message_name(message_id),
        recipient=recipient,
        attempt=attempt,
        attempts=attempts,
        code=code,
        detail=_object(detail),
        campaign_id=int(number) if origin == "campaign" and number.isdecimal() else None,
        campaign=campaign,
        user=user,
        metadata=_object(metadata),
    )
    return Claimed(delivery_id, endpoint_id, event_name(event_id), tries, notice)


def message_name(message_id: int | None) -> str:
    """A message of the entered tenant as outsiders know it."""
    return "msg_" + (public_id(current_tenant().pk, message_id) if message_id else "test")


def _object(given: Any) -> dict[str, Any]:
    found = json.loads(given) if isinstance(given, str) else given
    return found if isinstance(found, dict) else {}
