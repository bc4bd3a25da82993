"""What can be told of a message, and how each dialect calls it."""

from enum import StrEnum


class Kind(StrEnum):
    """Something that happened to a recipient; the word stands in `outbound_news.kind`."""

    QUEUED = "queued"  # taken in
    SENT = "sent"  # the provider took it
    DELIVERED = "delivered"  # the provider says that the mailbox took it
    DEFERRED = "deferred"  # refused for now, tried again
    BOUNCED = "bounced"  # refused for good, at once or later
    FAILED = "failed"  # could not be sent
    IN_DOUBT = "in_doubt"  # handed over, no answer: not known whether the provider took it
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"  # marked as spam
    UNSUBSCRIBED = "unsubscribed"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"  # on the suppression list when its turn came


ALL = "*"
TEST = "test"
"""What a test of an endpoint tells; nobody can choose it."""

CHOICES = (ALL, *Kind)

ABOUT_SENDING = (
    Kind.SENT,
    Kind.DELIVERED,
    Kind.DEFERRED,
    Kind.BOUNCED,
    Kind.FAILED,
    Kind.IN_DOUBT,
    Kind.CANCELLED,
    Kind.SUPPRESSED,
)
"""What becomes of a message, without what its reader does: a client that stores the last status keeps a true one."""
