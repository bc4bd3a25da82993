"""Bodies for operators, read field by field: a wrong type is refused with the field's name, an unknown field ignored."""

from dataclasses import dataclass
from typing import Any

from common.errors import InvalidInput
from common.headers import check_header_value
from outbound.submission.faults import MissingField

OLDEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class MaintenanceAsked:
    """`minutes` None: until it is switched off."""

    enabled: bool
    message: str
    minutes: int | None


@dataclass(frozen=True, slots=True)
class CleanupAsked:
    """What goes, and whether it is only counted."""

    older_than_days: int
    sent: bool
    failed: bool
    dry_run: bool


def an_object(body: Any) -> dict[str, Any]:
    """Raises InvalidInput."""
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    return body


def read_maintenance(body: Any) -> MaintenanceAsked:
    """Raises InvalidInput; its bounds are checked by the service."""
    given = an_object(body)
    message = given.get("message")
    if message is not None and not isinstance(message, str):
        raise InvalidInput("This must be text.", field="message")
    _check_line(message or "", "message")
    minutes = given.get("expected_duration_minutes")
    if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, int)):
        raise InvalidInput("This must be a whole number of minutes.", field="expected_duration_minutes")
    return MaintenanceAsked(_flag(given, "enabled", None), message or "", minutes)


def read_cleanup(body: Any) -> CleanupAsked:
    """Raises InvalidInput."""
    given = an_object(body)
    days = given.get("older_than_days")
    if days is None:
        raise MissingField("Say how many days are kept.", field="older_than_days")
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= OLDEST_DAYS:
        raise InvalidInput(f"This must be a whole number from 1 to {OLDEST_DAYS}.", field="older_than_days")
    return CleanupAsked(
        days, _flag(given, "include_sent", True), _flag(given, "include_failed", True), _flag(given, "dry_run", False)
    )


def _flag(given: dict[str, Any], name: str, default: bool | None) -> bool:
    value = given.get(name, default)
    if value is None and default is None and name not in given:
        raise MissingField("This must be true or false.", field=name)
    if not isinstance(value, bool):
        raise InvalidInput("This must be true or false.", field=name)
    return value


def _check_line(text: str, field: str) -> None:
    """Doors say it in replies that are one line."""
    try:
        check_header_value(text)
    except InvalidInput:
        raise InvalidInput("This must be one line of text.", field=field) from None
