"""Examples of bodies and answers about variants, as the documentation shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_COUNTS = {
    "recipients": 1500,
    "sent": 1494,
    "delivered": 1489,
    "opened": 402,
    "clicked": 71,
    "human_opened": 244,
    "human_clicked": 40,
    "open_rate": 0.27,
    "click_rate": 0.0477,
}
_VARIANT: dict[str, Any] = {
    "id": 11,
    "name": "Short subject",
    "template_id": None,
    "subject": "Bonjour !",
    "share": 10,
    **_COUNTS,
    "is_winner": True,
    "at_decision": {"delivered": 1489, "opened": 240, "clicked": 39},
}
_ANSWER = {
    "campaign_id": 42,
    "tenant_id": 1,
    "status": "sending",
    "variants": [
        {**_VARIANT, "id": 10, "name": "As it is", "subject": "", "is_winner": False},
        _VARIANT,
    ],
    "remainder": {"share": 80, **_COUNTS, "recipients": 12000},
    "winner_by": "opens",
    "decide_after_minutes": 60,
    "decides_at": "2026-03-01T10:00:01Z",
    "decided_at": "2026-03-01T10:00:03Z",
    "decided_by": "opens",
    "reason": "16.1 % opened “Short subject”, and 14.9 % the next best.",
}

DEFINED = OpenApiExample(
    "Two subjects",
    {
        "variants": [
            {"name": "As it is", "share": 10},
            {"name": "Short subject", "subject": "Bonjour !", "share": 10},
        ],
        "winner_by": "opens",
        "decide_after_minutes": 60,
    },
    request_only=True,
)
REMOVED = OpenApiExample("No variants any more", {"variants": []}, request_only=True)
CHOSEN = OpenApiExample("By hand", {"variant_id": 11}, request_only=True)
SHOWN = OpenApiExample("Decided", _ANSWER, response_only=True, status_codes=["200"])
