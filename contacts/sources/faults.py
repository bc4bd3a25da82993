"""What goes wrong with other people's servers."""

from common.errors import InvalidInput, Unavailable


class SourceFault(InvalidInput):
    """The source answers, and not as its config says: asking again would not help."""

    code = "source_fault"


class SourceAway(Unavailable):
    """The source does not answer just now. `wait`: the seconds it asked us to wait, if it did."""

    code = "source_away"

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait
