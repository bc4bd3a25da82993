"""Freezing: what is sent, and to whom, no longer changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from psycopg import sql

from common.database import connection
from outbound.compiler import Content
from outbound.models import Message, ProviderAccount
from outbound.partitions import ensure_month, first_of_month
from outbound.states import MessageState

CHUNK_SIZE = 1_000

_FREEZE = """
INSERT INTO {chunk} (message_id, attempt, first_position, contact_ids, size, state, owner, fence, watermark, handing_fence,
    done, sent, deferred, bounced, failed, suppressed, in_doubt, cancelled)
SELECT {message}, 1, g.n * {size}, g.ids, cardinality(g.ids), 'open', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM (
    SELECT n, array_agg(id ORDER BY id) AS ids
    FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / {size} AS n FROM ({audience}) a) numbered GROUP BY n
) g ORDER BY g.n
"""


def plan_message(
    *,
    origin: str,
    name: str,
    provider: ProviderAccount,
    content: Content,
    stamp: Mapping[str, object],
    links: Sequence[Mapping[str, object]],
    is_marketing: bool = True,
) -> Message:
    """Make a message that has no recipients yet; `stamp` comes from outbound.stamping.make_stamp."""
    month = first_of_month(timezone.now().date())
    ensure_month(month)
    return Message.objects.create(
        origin=origin,
        name=name,
        provider=provider,
        month=month,
        stamp=dict(stamp),
        links=[dict(link) for link in links],
        content={
            "subject": content.subject,
            "html": content.html,
            "text": content.text,
            "preheader": content.preheader,
        },
        is_marketing=is_marketing,
        state=MessageState.PLANNED,
    )


def freeze_audience(message: Message, query: sql.Composable, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
    """Write the ids that `query` selects (one column, `id`) into chunks, in one statement. Returns how many there are."""
    freeze = sql.SQL(_FREEZE).format(
        chunk=sql.Identifier("outbound_chunk"),
        message=sql.Literal(message.pk),
        size=sql.Literal(CHUNK_SIZE),
        audience=query,
    )
    with connection.cursor() as cursor:
        cursor.execute(freeze, params or None)
        cursor.execute("SELECT coalesce(sum(size), 0) FROM outbound_chunk WHERE message_id = %s", [message.pk])
        (total,) = cursor.fetchone()
    message.total = int(total)
    message.save(update_fields=["total"])
    return message.total
