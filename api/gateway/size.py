"""G7: how many bytes a call may have."""

from django.conf import settings


def largest_body() -> int:
    """MAX_REQUEST_SIZE, in bytes."""
    return settings.MAX_REQUEST_SIZE
