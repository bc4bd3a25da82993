"""Answers shown in the documentation."""

from typing import Any

_BEGINS: dict[str, Any] = {"tenant_id": 1, "counted_at": "2026-03-01T09:00:00Z"}
_MAIL: dict[str, Any] = {
    "sent": 980,
    "delivered": 970,
    "bounced": 28,
    "failed": 2,
    "opened": 388,
    "clicked": 97,
    "unsubscribed": 4,
    "complained": 1,
    "tried": 1000,
    "delivery_rate": 0.97,
    "bounce_rate": 0.028,
    "open_rate": 0.4,
    "click_rate": 0.1,
    "click_to_open_rate": 0.25,
    "unsubscribe_rate": 0.0041,
    "complaint_rate": 0.001,
}
_CONTACTS: dict[str, Any] = {
    "total": 4,
    "mailable": 3,
    "by_status": {
        "active": 3,
        "unconfirmed": 0,
        "unsubscribed": 1,
        "bounced": 0,
        "complained": 0,
        "suppressed": 0,
    },
    "by_validation": {"pending": 1, "valid": 3, "risky": 0, "invalid": 0},
    "by_language": {"fr": 3, "unknown": 1},
    "top_tags": [{"id": 1, "slug": "verified", "name": "Verified Contacts", "contact_count": 2}],
    "growth": {"today": 1, "last_7_days": 2, "last_30_days": 4},
}
_CAMPAIGNS: dict[str, Any] = {
    **_MAIL,
    "total": 2,
    "by_status": {"draft": 1, "scheduled": 0, "sending": 0, "paused": 0, "sent": 1, "cancelled": 0, "failed": 0},
}
_EVENTS: dict[str, Any] = {
    "total": 2114,
    "by_type": {
        "sent": 980,
        "delivery": 0,
        "deferral": 12,
        "hard_bounce": 20,
        "soft_bounce": 8,
        "block": 0,
        "failure": 2,
        "suppression": 5,
        "cancellation": 0,
        "in_doubt": 0,
        "open": 940,
        "click": 142,
        "unsubscribe": 4,
        "complaint": 1,
    },
    "unique_opens": 388,
    "unique_clicks": 97,
    "bounce_rate": 0.028,
    "hard_bounce_rate": 0.02,
    "complaint_rate": 0.001,
    "unsubscribe_rate": 0.0041,
    "open_rate": 0.4,
    "click_rate": 0.1,
}
CONTACTS_ANSWER: dict[str, Any] = {**_BEGINS, **_CONTACTS}
CAMPAIGNS_ANSWER: dict[str, Any] = {**_BEGINS, **_CAMPAIGNS}
EVENTS_ANSWER: dict[str, Any] = {**_BEGINS, **_EVENTS}
OVERVIEW_ANSWER: dict[str, Any] = {
    **_BEGINS,
    "contacts": _CONTACTS,
    "campaigns": _CAMPAIGNS,
    "events": _EVENTS,
    "data_sources": {"total": 1, "by_type": {"scraper-pro": 1, "backlink-engine": 0, "csv": 0, "manual": 0}},
    "recent_campaigns": [
        {
            "id": 42,
            "name": "French Real Estate Q1 2026",
            "status": "sent",
            "created_at": "2026-02-28T16:00:00Z",
            "recipients": 1005,
            "sent": 980,
            "delivered": 970,
            "opened": 388,
            "clicked": 97,
            "delivery_rate": 0.97,
            "bounce_rate": 0.028,
            "open_rate": 0.4,
            "click_rate": 0.1,
        }
    ],
}
PERFORMANCE_ANSWER: dict[str, Any] = {
    **_BEGINS,
    "days": 1,
    "totals": _MAIL,
    "daily": [{**_MAIL, "date": "2026-03-01"}],
}
