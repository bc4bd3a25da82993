"""What one contact was sent lately, and what they did with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.database import connection
from outbound.states import RecipientState
from tenants.desk.admin import needs

_LOOKED_AT = 25  # messages, the newest ones

# First chunks hold ascending ids: of each message, only the one chunk in whose range the contact lies is unpacked.
_HISTORY = """
WITH recent AS (
    SELECT p.campaign_id, m.id, m.month, m.name, m.started_at FROM campaigns_campaignpart p
    JOIN outbound_message m ON m.id = p.message_id WHERE m.state <> 'planned' ORDER BY p.message_id DESC LIMIT %(most)s
)
SELECT m.campaign_id, m.name, m.started_at, r.state, r.reason, r.at, e.opened_at, e.clicked_at, e.unsubscribed_at
FROM recent m
CROSS JOIN LATERAL (
    SELECT first_position, contact_ids FROM outbound_chunk
    WHERE message_id = m.id AND attempt = 1 AND contact_ids[1] <= %(contact)s
    ORDER BY contact_ids[1] DESC LIMIT 1
) c
CROSS JOIN LATERAL (SELECT c.first_position + array_position(c.contact_ids, %(contact)s) - 1 AS position) at
LEFT JOIN outbound_recipient r ON r.month = m.month AND r.message_id = m.id AND r.position = at.position
LEFT JOIN outbound_engagement e ON e.month = m.month AND e.message_id = m.id AND e.position = at.position
WHERE at.position IS NOT NULL
ORDER BY m.id DESC
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to the contact."""

    campaign_id: int | None
    name: str
    started_at: datetime | None
    state: str
    reason: str
    at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None


@needs("contacts.view_contact")
def history_fragment(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """A part of the contact's page, fetched after it."""
    return TemplateResponse(request, "desk/history_rows.html", {"mails": mails_to(pk), "looked_at": _LOOKED_AT})


def mails_to(contact_id: int) -> list[Mail]:
    """Of the newest messages, those that went to the contact; the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"contact": contact_id, "most": _LOOKED_AT})
        return [
            Mail(campaign, name, started, RecipientState(state or 0).label, reason or "", *rest)
            for campaign, name, started, state, reason, *rest in cursor.fetchall()
        ]
