"""Where the relay's paths answer: below /api/, and the same below /v1/ and /api/v1/.

Only the first is in the OpenAPI document, lest every operation stand there three times.
"""

from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern, path

from api.relay.base import RelayView

Route = tuple[str, type[RelayView]]

_ALIASES = ("v1", "api/v1")


def mounted(routes: Iterable[Route]) -> list[URLPattern]:
    """Django's patterns for paths such as `messages/<str:message_id>`."""
    given = list(routes)
    shown = [path(f"api/{route}", view.as_view(), name=f"relay {route}") for route, view in given]
    # None keeps a view out of the document (drf-spectacular).
    hidden: dict[str, Any] = {"schema": None}
    aliases = [path(f"{prefix}/{route}", view.as_view(**hidden)) for prefix in _ALIASES for route, view in given]
    return [*shown, *aliases]
