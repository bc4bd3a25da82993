"""Finding submitted messages again: lists, one with all that is known of it, and the tenant that an id leads to.

Every call is a fixed number of queries. A list is read from indexes: the ids of one page first, then their rows. Without
a filter, or by state, sender or recipient, a page takes milliseconds among a million messages; the other filters look
at messages one by one, newest first.
"""

import json
from collections.abc import Sequence
from typing import Any

from psycopg import sql

from common.database import connection
from outbound.submission.counting import COUNT_AT_MOST, count_messages
from outbound.submission.details import (
    AttachmentNote,
    MessageDetail,
    MessageFilter,
    MessagePage,
    MessageSummary,
    Moment,
    RecipientStanding,
    Standing,
    TimelineEntry,
)
from outbound.submission.filtering import newest, values_of
from outbound.submission.heads import headers_as_sent
from outbound.submission.ids import UnknownMessage, public_id, read_public_id
from outbound.submission.standing import Subject, standings_of, state_now
from outbound.submission.timeline import timeline_of
from outbound.submission.types import Door, Mailbox
from tenants.models import Tenant
from tenants.scope import current_tenant, tenant_scope

__all__ = [
    "AttachmentNote",
    "MessageDetail",
    "MessageFilter",
    "MessagePage",
    "MessageSummary",
    "Moment",
    "RecipientStanding",
    "Standing",
    "TimelineEntry",
    "UnknownMessage",
    "find_message",
    "list_messages",
    "locate",
]

_FARTHEST = 2**31


def list_messages(
    wanted: MessageFilter, *, limit: int, offset: int = 0, count_at_most: int = COUNT_AT_MOST
) -> MessagePage:
    """The `limit` messages after the first `offset`, newest first. The total is exact up to `count_at_most`;
    above 20,000 it is as it was at most ten seconds ago.

    Two queries; one where the page itself tells the total. Raises InvalidInput for a state or door that does not exist.
    """
    offset = min(max(0, offset), _FARTHEST)
    values = {**values_of(wanted), "limit": limit, "offset": offset, "reach": limit + offset}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_PAGE).format(picked=newest(wanted)), values)
        rows = cursor.fetchall()
    is_last = len(rows) < limit and (rows or offset == 0)
    total = offset + len(rows) if is_last else count_messages(wanted, at_most=count_at_most)
    tenant_id = current_tenant().pk
    messages = tuple(MessageSummary(**_summary(tenant_id, row)) for row in rows)
    return MessagePage(messages, min(total, count_at_most), total > count_at_most)


def find_message(message_id: int) -> MessageDetail:
    """One message of the entered tenant, with recipients and timeline. Five queries. Raises UnknownMessage."""
    if not 0 < message_id < 2**63:
        raise UnknownMessage
    with connection.cursor() as cursor:
        cursor.execute(_DETAIL, {"id": message_id})
        row = cursor.fetchone()
        if row is None:
            raise UnknownMessage
        month, links, *columns = row
        cursor.execute(_ATTACHMENTS, {"id": message_id, "month": month})
        attachments = tuple(AttachmentNote(*found) for found in cursor.fetchall())
    found = dict(zip((*_SUMMARY, *_REST), columns, strict=True))
    recipients = json.loads(found["recipients"])
    subject = Subject(month, message_id, found["created_at"], found["send_at"], found["processed_at"], recipients)
    return MessageDetail(
        **_summary(current_tenant().pk, columns),
        html=found["html"],
        text=found["text"],
        headers=headers_as_sent(message_id, found),
        attachments=attachments,
        reply_to=tuple(Mailbox(address, name) for address, name in json.loads(found["reply_to"])),
        provider=found["provider"] or "",
        provider_reference=found["provider_reference"],
        size=found["size"],
        recipients=standings_of(subject),
        timeline=timeline_of(subject, links=json.loads(links)),
    )


def locate(text: str) -> tuple[Tenant, int]:
    """The tenant and message that a public id names, with no tenant entered. Raises UnknownMessage when either is gone."""
    name = read_public_id(text)
    tenant = Tenant.objects.select_related("plan").filter(pk=name.tenant_id, is_active=True).first()
    if tenant is None or tenant.schema_name == "public":
        raise UnknownMessage
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(_EXISTS, [name.message_id])
        if cursor.fetchone() is None:
            raise UnknownMessage
    return tenant, name.message_id


_SUMMARY = (
    "message_id", "door", "from_address", "from_name", "recipients", "subject", "state", "priority", "campaign_ref", "user_ref",
    "metadata", "created_at", "send_at", "processed_at", "error", "retries", "in_hand",
)  # fmt: skip
_REST = ("html", "text", "headers", "reply_to", "size", "provider_reference", "provider")

_PAGE = """
WITH picked AS MATERIALIZED (
    SELECT b.month, b.message_id FROM ({picked}) b ORDER BY b.message_id DESC LIMIT %(limit)s OFFSET %(offset)s
)
SELECT s.message_id, s.door, s.from_address, s.from_name, s.recipients, s.subject, s.state, s.priority, s.campaign_ref, s.user_ref,
    s.metadata, s.created_at, s.send_at, s.processed_at, s.error, s.retries,
    EXISTS (SELECT 1 FROM outbound_queue q WHERE q.message_id = s.message_id AND q.batch_id IS NOT NULL)
FROM picked p JOIN outbound_submission s ON s.month = p.month AND s.message_id = p.message_id ORDER BY s.message_id DESC
"""
_DETAIL = """
SELECT s.month, m.links,
    s.message_id, s.door, s.from_address, s.from_name, s.recipients, s.subject, s.state, s.priority, s.campaign_ref, s.user_ref,
    s.metadata, s.created_at, s.send_at, s.processed_at, s.error, s.retries,
    EXISTS (SELECT 1 FROM outbound_queue q WHERE q.message_id = s.message_id AND q.batch_id IS NOT NULL),
    s.html, s.text, s.headers, s.reply_to, s.size, s.provider_reference,
    (SELECT p.name FROM outbound_provideraccount p WHERE p.id = s.provider_id)
FROM outbound_message m JOIN outbound_submission s ON s.month = m.month AND s.message_id = m.id WHERE m.id = %(id)s
"""
_ATTACHMENTS = """
SELECT filename, content_type, size, content_id FROM outbound_attachment
WHERE month = %(month)s AND message_id = %(id)s ORDER BY number
"""
_EXISTS = """
SELECT 1 FROM outbound_message m JOIN outbound_submission s ON s.month = m.month AND s.message_id = m.id WHERE m.id = %s
"""


def _summary(tenant_id: int, row: Sequence[Any]) -> dict[str, Any]:
    """The fields of a MessageSummary; its columns are the first of `row`."""
    found = dict(zip(_SUMMARY, row, strict=False))
    by_kind: dict[str, list[Mailbox]] = {"to": [], "cc": [], "bcc": []}
    for one in json.loads(found["recipients"]):
        by_kind[one["kind"]].append(Mailbox(one["email"], one.get("name", "")))
    return {
        "message_id": found["message_id"],
        "public_id": public_id(tenant_id, found["message_id"]),
        "door": Door(found["door"]),
        "sender": Mailbox(found["from_address"], found["from_name"]),
        **{kind: tuple(mailboxes) for kind, mailboxes in by_kind.items()},
        "subject": found["subject"],
        "state": state_now(found["state"], found["send_at"]),
        "processing": found["in_hand"],
        "priority": found["priority"],
        "campaign": found["campaign_ref"],
        "user": found["user_ref"],
        "metadata": json.loads(found["metadata"]),
        "queued_at": found["created_at"],
        "send_at": found["send_at"],
        "processed_at": found["processed_at"],
        "error": found["error"],
        "retries": found["retries"],
    }
