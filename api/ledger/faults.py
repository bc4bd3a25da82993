"""What a repeated call is told when there is no answer to give it."""

from common.errors import Conflict


class StillRunning(Conflict):
    """The first call with this Idempotency-Key is not done yet: its answer can be had in a moment."""

    code = "still_running"
    temporary = True
    retry_after = 5  # seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class InDoubt(Conflict):
    """The first call with this Idempotency-Key began and did not come to its end: nobody knows how far it came."""

    code = "in_doubt"
