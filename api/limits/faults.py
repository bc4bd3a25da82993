"""What a used-up limit is told with."""

from api.limits.allowance import Allowance
from common.errors import QuotaExceeded


class TooManyCalls(QuotaExceeded):
    """Too many in one window. `retry_after`: whole seconds, at least 1; `headers` as a door sends them."""

    def __init__(self, message: str, *, allowance: Allowance, retry_after: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.allowance = allowance
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {**self.allowance.headers(), "Retry-After": str(self.retry_after)}
