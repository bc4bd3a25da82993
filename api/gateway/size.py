"""G7: how many bytes a call may have."""

from django.conf import settings

from common import environment

_NAME = "MAX_REQUEST_SIZE"
_DEFAULT = 262_144


def largest_body() -> int:
    """MAX_REQUEST_SIZE, in bytes."""
    given: int = getattr(settings, _NAME, environment.integer(_NAME, _DEFAULT))
    return given
