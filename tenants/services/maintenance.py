"""Maintenance: sending is closed for a while; reading, tracking and webhooks go on. It ends by itself.

The row `maintenance` of tenants_setting: {"enabled", "message", "started_at", "until"}, times in ISO 8601 or null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.errors import InvalidInput
from tenants.services.setting_rows import rows, write_rows

LONGEST_MINUTES = 7 * 24 * 60
LONGEST_MESSAGE = 500

_NAME = "maintenance"
_MESSAGE = "Sending is closed for maintenance."


@dataclass(frozen=True, slots=True)
class MaintenanceState:
    """Sending is closed. `until` None: nobody said when it opens."""

    message: str
    started_at: datetime
    until: datetime | None


def current() -> MaintenanceState | None:
    """None while sending is open. At most a second old."""
    return _state(rows.read().get(_NAME), datetime.now(UTC))


def begin(*, message: str = "", minutes: int | None = None, by: str) -> MaintenanceState:
    """Close sending, for `minutes` or until `end`. Begun before, it is the later words that hold, and the first start.

    Raises InvalidInput.
    """
    if minutes is not None and not 1 <= minutes <= LONGEST_MINUTES:
        raise InvalidInput(f"This must be from 1 to {LONGEST_MINUTES}.", field="expected_duration_minutes")
    if len(message) > LONGEST_MESSAGE or "\0" in message:
        raise InvalidInput(f"This must be text of at most {LONGEST_MESSAGE} characters.", field="message")
    now = datetime.now(UTC).replace(microsecond=0)
    rows.forget()
    before = current()
    state = MaintenanceState(
        message=message.strip() or _MESSAGE,
        started_at=before.started_at if before else now,
        until=now + timedelta(minutes=minutes) if minutes is not None else None,
    )
    value = {
        "enabled": True,
        "message": state.message,
        "started_at": state.started_at.isoformat(),
        "until": state.until.isoformat() if state.until else None,
    }
    write_rows({_NAME: value}, by=by)
    return state


def end(*, by: str) -> MaintenanceState | None:
    """Open sending again. Returns what was ended, None when it was open."""
    rows.forget()
    before = current()
    write_rows({_NAME: {"enabled": False, "message": "", "started_at": None, "until": None}}, by=by)
    return before


def _state(value: Any, now: datetime) -> MaintenanceState | None:
    if not isinstance(value, Mapping) or not value.get("enabled"):
        return None
    started_at, until = _moment(value.get("started_at")), _moment(value.get("until"))
    if until is not None and until <= now:
        return None
    return MaintenanceState(str(value.get("message") or _MESSAGE), started_at or now, until)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
