"""The states of messages and recipients, and the kinds of events. One place, used by models, engine and reports."""

from enum import IntEnum

from django.db import models


class MessageState(models.TextChoices):
    """Where a message (a campaign's, or a single one) stands."""

    PLANNED = "planned", "Planned: the audience is being frozen"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused by a person"
    CANCELLED = "cancelled", "Cancelled by a person"
    FINISHED = "finished", "Finished: every recipient has an outcome"
    FAILED = "failed", "Failed: it could not be sent at all"


class RecipientState(IntEnum):
    """What became of one recipient. Stored as a small number: there are very many rows."""

    QUEUED = 0  # no attempt yet; has no row of its own
    RETRYING = 1  # deferred before, waiting in a chunk again
    DEFERRED = 2  # refused for now (4xx): tried again until its deadline
    SENT = 3  # the provider took it
    DELIVERED = 4  # the provider says that the mailbox took it
    BOUNCED_HARD = 5  # the address is dead
    BOUNCED_SOFT = 6  # refused for good, but not because the address is dead
    FAILED = 7  # could not be sent: deadline passed, or it could not be built
    CANCELLED = 8  # the message was cancelled before its turn
    SUPPRESSED = 9  # was on the suppression list when its turn came
    IN_DOUBT = 10  # handed over, no answer: not known whether the provider took it
    COMPLAINED = 11  # delivered, and marked as spam

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


class EventKind(IntEnum):
    """What happened to a recipient after the message left."""

    OPEN = 1
    CLICK = 2
    UNSUBSCRIBE = 3
    BOUNCE_HARD = 4
    BOUNCE_SOFT = 5
    COMPLAINT = 6
    DELIVERY = 7
    BLOCK = 8  # our side was refused, not the address

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")
