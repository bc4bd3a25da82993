"""Times as the relay writes and reads them: `2024-01-15T10:00:00Z`."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import overload
from zoneinfo import ZoneInfo, available_timezones

from common.errors import InvalidInput

_LONGEST = 40
_DAY = len("2024-01-15")


@overload
def moment(at: datetime) -> str: ...
@overload
def moment(at: None) -> None: ...
def moment(at: datetime | None) -> str | None:
    """In UTC, to the second; None stays None."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(text: object, zone: object = None, *, field: str = "send_at") -> datetime | None:
    """ISO 8601; without an offset it is a time on the clocks of `zone`, which is UTC when left out.

    Of a time that the clocks show twice the first is meant; one that they leave out is read as if they had not been
    put forward yet. None and "" are no time. Raises InvalidInput for `field` or "timezone".
    """
    place = _zone(zone)
    if text is None or text == "":
        return None
    try:
        if isinstance(text, str) and len(text) <= _LONGEST:
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=place)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("This must be a time as in 2026-03-01T09:00:00Z.", field=field)


def last_moment(text: str, *, field: str) -> datetime | None:
    """As `read_moment`; a day alone means its end."""
    at = read_moment(text, field=field)
    is_day = at is not None and len(text) == _DAY
    return at + timedelta(days=1, microseconds=-1) if at and is_day else at


def _zone(name: object) -> ZoneInfo:
    if name is None or name == "":
        return ZoneInfo("UTC")
    if not isinstance(name, str) or name not in _zones():
        raise InvalidInput(
            "The time zone database has no such zone.", field="timezone", hint="Write a name like America/New_York."
        )
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
