"""What is told: the two bodies. Made anew at every try, and the same each time. No Django, no database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.callbacks.kinds import TEST, Kind


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened. `message_id`: with msg_. `attempt`: of sending the mail, where a sender tells it."""

    kind: str
    at: datetime
    message_id: str
    recipient: str | None = None
    attempt: int | None = None
    attempts: int = 0
    code: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    campaign_id: int | None = None
    campaign: str = ""
    user: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str | None:
        """Why it did not arrive, in words; None where nothing went wrong, whatever the other side said."""
        if self.kind not in _USUAL:
            return None
        said = self.detail.get("reason")
        return str(said) if said else _USUAL[self.kind]


_USUAL: dict[str, str] = {
    Kind.DEFERRED: "Refused for now.",
    Kind.BOUNCED: "Refused by the recipient's server.",
    Kind.FAILED: "It could not be sent.",
    Kind.IN_DOUBT: "Handed over, but no answer came.",
    Kind.SUPPRESSED: "The recipient is on the suppression list.",
}


def aegis_body(notice: Notice) -> bytes:
    """Exactly the five fields of Aegis: `attempts` is a number, `error` null where nothing went wrong."""
    return _written(
        {
            "message_id": notice.message_id,
            "status": aegis_status(notice),
            "timestamp": notice.at.astimezone(UTC).isoformat(timespec="seconds"),
            "error": notice.reason,
            "attempts": _attempts(notice),
        }
    )


def standard_body(notice: Notice) -> bytes:
    """`{type, timestamp, data}`, as Standard Webhooks advises."""
    is_test = notice.kind == TEST
    return _written(
        {
            "type": TEST if is_test else f"message.{notice.kind}",
            "timestamp": notice.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {
                "message_id": notice.message_id,
                "recipient": notice.recipient,
                "attempts": _attempts(notice),
                "code": notice.code,
                "error": notice.reason,
                "next_try_at": _text(notice.detail.get("next_at")),
                "url": _text(notice.detail.get("url")),
                "by_machine": notice.detail.get("by_machine") is True,
                "campaign_id": notice.campaign_id,
                "campaign": notice.campaign or None,
                "user": notice.user or None,
                "metadata": dict(notice.metadata),
            },
        }
    )


def aegis_status(notice: Notice) -> str:
    """Aegis knows `sent` (the provider has it) and `failed` (nobody ever will): what was refused before it was sent is
    `failed` too. Other words come only where Aegis has none."""
    refused_at_once = notice.kind == Kind.BOUNCED and notice.attempt is not None
    if refused_at_once or notice.kind == Kind.SUPPRESSED:
        return str(Kind.FAILED)
    return str(notice.kind)


def _attempts(notice: Notice) -> int:
    return notice.attempt if notice.attempt is not None else notice.attempts


def _text(given: object) -> str | None:
    return str(given) if given else None


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
