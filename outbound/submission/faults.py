"""Why a submitted message is not taken. Fields are in the words of `Submission`: to[0], headers.X-Foo, attachments[1].content."""

from datetime import UTC, datetime

from common.errors import InvalidInput, Refused, Unavailable


class MissingField(InvalidInput):
    """Something that every message needs is not there."""

    code = "missing_field"


class TooManyRecipients(InvalidInput):
    """More people than one message may go to."""

    code = "too_many_recipients"


class TooLarge(InvalidInput):
    """The message, or a part of it, is larger than is taken."""

    code = "too_large"


class SenderRefused(Refused):
    """The tenant may not send as this address."""

    code = "sender_refused"


class RecipientSuppressed(Refused):
    """The address is dead or its owner complained: nothing goes there any more."""

    code = "recipient_suppressed"


class QueueFull(Unavailable):
    """So much waits that no more is taken."""

    code = "queue_full"
    retry_after = 60


class ProvidersDown(Unavailable):
    """Nobody who would take the tenant's mail can be reached, and has not for a while."""

    code = "all_providers_down"
    retry_after = 60


class Maintenance(Unavailable):
    """The operator has closed the doors for sending. `until`: when they open, None: not known."""

    code = "maintenance"

    def __init__(self, message: str, *, until: datetime | None) -> None:
        super().__init__(
            message, hint="Send it again later." if until is None else f"Send it again after {until:%H:%M} UTC."
        )
        self.until = until
        left = (until - datetime.now(UTC)).total_seconds() if until else 300
        self.retry_after = max(1, round(left))
