"""Which runtime settings there are: type, bounds, default from the environment, and what each is for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import environment
from common.errors import InvalidInput

Value = str | int | bool

_DURATION = re.compile(r"([0-9]{1,6})(ms|s|m)\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}\Z")


@dataclass(frozen=True, slots=True)
class Definition:
    """One setting. `check` returns what is stored, or says in a sentence why it cannot be."""

    sentence: str
    default: Callable[[], Value]
    check: Callable[[Any], Value]
    needs_restart: bool = False

    def checked(self, value: Any, name: str) -> Value:
        """The value as it is stored. Raises InvalidInput with `name` as its field."""
        try:
            return self.check(value)
        except ValueError as error:
            raise InvalidInput(str(error), field=name) from None


def seconds_of(duration: str) -> float:
    """Of a checked duration: 30.0 of "30s"."""
    found = _DURATION.match(duration)
    if found is None:
        raise ValueError(f"{duration!r} is no duration.")
    return int(found[1]) * _SECONDS[found[2]]


def _whole(low: int, high: int) -> Callable[[Any], Value]:
    def check(value: Any) -> Value:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("This must be a whole number.")
        if not low <= value <= high:
            raise ValueError(f"This must be from {low} to {high}.")
        return value

    return check


def _duration(value: Any) -> Value:
    if not isinstance(value, str) or not _DURATION.match(value):
        raise ValueError('This must be a duration: "500ms", "30s" or "2m".')
    if not 0.1 <= seconds_of(value) <= 3600:
        raise ValueError("This must be from 100ms to 60m.")
    return value


def _address(value: Any) -> Value:
    if not isinstance(value, str) or not _HOST.match(value):
        raise ValueError("This must be a host name or an address, as in 0.0.0.0.")
    return value


def _yes_or_no(value: Any) -> Value:
    if not isinstance(value, bool):
        raise ValueError("This must be true or false.")
    return value


def _text_from(name: str, default: str) -> Callable[[], Value]:
    return lambda: environment.text(name, default)


def _number_from(name: str, default: int) -> Callable[[], Value]:
    return lambda: environment.integer(name, default)


_DAILY = _whole(0, 1_000_000_000)

DEFINITIONS = {
    "smtp.host": Definition(
        "Address on which SMTP is spoken.",
        _text_from("SMTPD_HOST", "0.0.0.0"),  # noqa: S104  # the seat of a server, in a container
        _address,
        needs_restart=True,
    ),
    "smtp.port": Definition(
        "Port with STARTTLS; the next one is that with TLS from the first byte.",
        _number_from("SMTPD_PORT", 2525),
        _whole(1, 65_534),
        needs_restart=True,
    ),
    "smtp.max_size": Definition(
        "Bytes of a message that SMTP takes.",
        _number_from("SMTPD_MAX_SIZE", 26_214_400),
        _whole(1_024, 104_857_600),
    ),
    "queue.batch_size": Definition(
        "Recipients that a sender takes in hand at once.", _number_from("QUEUE_BATCH_SIZE", 50), _whole(1, 1_000)
    ),
    "queue.process_interval": Definition(
        "How long a queue may go unlooked at when nobody says that something came.",
        _text_from("QUEUE_PROCESS_INTERVAL", "30s"),
        _duration,
    ),
    "queue.max_retries": Definition(
        "How often a message that was refused for now is tried again; 0: never.",
        _number_from("QUEUE_MAX_RETRIES", 15),
        _whole(0, 100),
    ),
    "rate_limits.global_daily": Definition(
        "Single messages a day (UTC) of all tenants together; 0: any number.",
        _number_from("SEND_LIMIT_GLOBAL_DAILY", 100_000),
        _DAILY,
    ),
    "rate_limits.workspace_default": Definition(
        "Single messages a day of a tenant without a plan; 0: any number.",
        _number_from("SEND_LIMIT_WORKSPACE_DAILY", 10_000),
        _DAILY,
    ),
    "rate_limits.user_default": Definition(
        "Single messages a day for each user that a program names; 0: any number.",
        _number_from("SEND_LIMIT_USER_DAILY", 500),
        _DAILY,
    ),
}
# Behind `providers.<type>.`
PROVIDER = {
    "enabled": Definition("Whether accounts of this type are used.", lambda: True, _yes_or_no),
    "rate_limit": Definition("Messages a day of each account of this type; 0: any number.", lambda: 0, _DAILY),
}
