"""What is left of a caller's limits, as the headers of every response say it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of the window in which least is left. `reset_at`: epoch seconds when there will be more in it; when a call
    was refused, when the same call will be allowed."""

    limit: int
    remaining: int
    reset_at: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }
