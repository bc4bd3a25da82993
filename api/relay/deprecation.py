"""Paths that will go away, and how their answers say so.

`RELAY_DEPRECATED_PATHS` lists them with the last day on which they answer: `/api/recipients=2028-12-31, /v1=2029-06-30`.
None is listed from the start: the reference prints `/api/…` and calls `/v1/…` current.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common import environment

_PATHS = "RELAY_DEPRECATED_PATHS"
_LINK = "RELAY_DEPRECATION_LINK"


@dataclass(frozen=True, slots=True)
class DeprecatedPath:
    """A path with all below it, and the last moment at which it is promised to answer."""

    path: str
    sunset: datetime


def deprecation_headers(path: str) -> dict[str, str]:
    """Sunset (RFC 8594), Deprecation and Link for a path that is listed; nothing for any other."""
    told = next((one for one in _listed(_setting(_PATHS)) if f"{path}/".startswith(f"{one.path}/")), None)
    if told is None:
        return {}
    link = _setting(_LINK) or f"{settings.PUBLIC_URL}/docs"
    return {
        "Sunset": format_datetime(told.sunset, usegmt=True),
        "Deprecation": "true",
        "Link": f'<{link}>; rel="deprecation"',
    }


def _setting(name: str) -> str:
    given: str = getattr(settings, name, "") or environment.text(name)
    return given


@lru_cache(maxsize=4)
def _listed(text: str) -> tuple[DeprecatedPath, ...]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    # The longest first: what is said of a path counts more than what is said of all around it.
    return tuple(sorted((_read(entry) for entry in entries), key=lambda one: -len(one.path)))


def _read(entry: str) -> DeprecatedPath:
    path, _, day = entry.partition("=")
    try:
        last = datetime.combine(date.fromisoformat(day.strip()), time(23, 59, 59), UTC)
    except ValueError:
        raise ImproperlyConfigured(
            f"{_PATHS}: {entry!r} must be a path and a day, as in /api/recipients=2028-12-31."
        ) from None
    return DeprecatedPath("/" + path.strip().strip("/"), last)
