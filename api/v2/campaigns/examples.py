"""Examples of answers about campaigns, as the documentation shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_CAMPAIGN: dict[str, Any] = {
    "id": 42,
    "tenant_id": 1,
    "name": "French Real Estate Q1 2026",
    "template_id": 5,
    "language": "fr",
    "category": "real_estate",
    "tags_all": ["verified", "active"],
    "tags_any": ["france", "belgium"],
    "exclude_tags": ["unsubscribed", "bounced"],
    "segment_id": None,
    "status": "sent",
    "scheduled_at": "2026-03-01T09:00:00Z",
    "from_name": "Acme",
    "from_email": "news@acme.example",
    "reply_to": "",
    "provider_id": None,
    "track_opens": True,
    "track_clicks": True,
    "error": "",
    "created_at": "2026-02-16T10:30:00Z",
    "updated_at": "2026-03-01T09:12:40Z",
}
_COUNTS = {
    "total": 15847,
    "queued": 0,
    "sent": 15790,
    "delivered": 15731,
    "bounced": 71,
    "opened": 6204,
    "clicked": 1312,
    "unsubscribed": 38,
    "complained": 2,
    "failed": 1,
    "suppressed": 44,
    "cancelled": 0,
    "in_doubt": 0,
    "deferred": 0,
}
_REPORT = {
    "campaign_id": 42,
    "name": "French Real Estate Q1 2026",
    "status": "sent",
    "figures": {
        **_COUNTS,
        "bounced_hard": 61,
        "bounced_soft": 10,
        "confirmed": 0,
        "opens": 9120,
        "clicks": 1544,
        "human_opened": 3011,
        "human_clicked": 1240,
    },
    "rates": {
        "delivery": 0.9955,
        "bounce": 0.0045,
        "open": 0.3944,
        "click": 0.0834,
        "human_open": 0.1914,
        "human_click": 0.0788,
        "click_to_open": 0.2115,
        "unsubscribe": 0.0024,
        "complaint": 0.0001,
    },
    "links": [
        {
            "message_id": 7,
            "number": 0,
            "language": "fr",
            "variant": "",
            "url": "https://acme.example/shop",
            "clicks": 1402,
            "unique_clicks": 1290,
        }
    ],
    "hours": [{"hour": "2026-03-01T09:00:00Z", "event": "open", "count": 3120, "unique": 2870}],
    "started_at": "2026-03-01T09:00:01Z",
    "finished_at": "2026-03-01T09:12:40Z",
    "error": "",
}
_RECIPIENT = {
    "message_id": 7,
    "position": 0,
    "contact_id": 1203,
    "email": "ana@example.com",
    "first_name": "Ana",
    "last_name": "Doe",
    "state": "sent",
    "attempts": 1,
    "code": None,
    "reason": "",
    "at": "2026-03-01T09:00:02Z",
    "next_at": None,
    "opened_at": "2026-03-01T09:41:00Z",
    "clicked_at": None,
    "opens": 1,
    "clicks": 0,
    "unsubscribed_at": None,
    "complained_at": None,
}
_PREVIEW = {
    "template_id": 5,
    "language": "fr",
    "category": "real_estate",
    "contact_id": 1203,
    "email": "ana@example.com",
    "subject": "Bonjour Ana",
    "preheader": "Les nouvelles du printemps",
    "html": "<p>Bonjour Ana</p>",
    "text": "Bonjour Ana\n",
    "warnings": [],
    "empty_fields": ["company"],
    "sender": "Acme <news@acme.example>",
    "headers": [{"name": "Subject", "value": "Bonjour Ana"}],
}
_TEST = {
    "campaign_id": 42,
    "results": [{"email": "ana@example.com", "result": "sent", "code": 250, "reason": "", "language": "fr"}],
}
_CSV = (
    "email,first_name,last_name,state,attempts,code,reason,at,opened_at,clicked_at,opens,clicks,unsubscribed_at,"
    "complained_at\r\nana@example.com,Ana,Doe,sent,1,,,2026-03-01T09:00:02+00:00,,,0,0,,\r\n"
)


def _answer(name: str, value: Any, **options: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200", "201"], **options)


LISTED = _answer("A campaign", _CAMPAIGN)
SHOWN = _answer("A campaign with its figures", {**_CAMPAIGN, "counts": _COUNTS})
REPORT = _answer("A report", _REPORT)
RECIPIENTS = _answer("The last page", {"items": [_RECIPIENT], "next_cursor": None})
RECIPIENTS_FILE = _answer("A file", _CSV, media_type="text/csv")
PREVIEW = _answer("A mail", _PREVIEW)
TESTED = _answer("Taken by the provider", _TEST)


def acted(status: str, message: str) -> OpenApiExample:
    """What an action answers when it was done."""
    return _answer("Done", {"success": True, "campaign_id": 42, "status": status, "message": message})
