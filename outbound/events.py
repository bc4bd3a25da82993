"""`record_event`: the one call with which everything under Django tells what happened to a recipient.

The tracking doors, which run without Django, call outbound.recording themselves; the statements are the same.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from outbound.recording import Hit, Recorded, clean_ip, clean_text, record_hits
from outbound.recording.hits import LONGEST_AGENT
from outbound.signals import message_event
from outbound.states import EventKind
from tenants.scope import current_tenant


def record_event(
    *,
    kind: EventKind,
    message_id: int,
    position: int,
    at: datetime | None = None,
    link: int | None = None,
    ip: str | None = None,
    agent: str = "",
    detail: str = "",
) -> bool:
    """Record one event in the tenant that was entered. False when it was known already, or the recipient is not."""
    hit = Hit(
        kind,
        message_id,
        position,
        at or timezone.now(),
        link,
        clean_ip(ip),
        clean_text(agent, LONGEST_AGENT) or None,
        clean_text(detail) or None,
    )
    return record_events([hit]).recorded == 1


def record_events(hits: Sequence[Hit]) -> Recorded:
    """Record a batch in one transaction, then send `message_event` for each message and kind in it, on commit."""
    schema = current_tenant().schema_name
    with transaction.atomic(), connection.cursor() as cursor:
        recorded = record_hits(cursor, schema=schema, hits=hits)
        if recorded.recorded:
            transaction.on_commit(lambda: _tell(hits), robust=True)
    return recorded


def _tell(hits: Sequence[Hit]) -> None:
    for kind, message_id in sorted({(hit.kind, hit.message_id) for hit in hits}):
        message_event.send(sender=None, kind=EventKind(kind).label, message_id=message_id)
