"""How many messages may be under way on a connection: more while all goes well, one at a time after an accident.

Every message under way when a connection breaks is in doubt. A provider that breaks off often therefore soon costs no
more doubt than DATA would, and one that never does is given many messages a round trip.
"""

from outbound.smtp.types import SmtpAccount

_GOOD_MESSAGES = 500  # taken in a row, on all connections of the account, before the window doubles


class Window:
    """The window of all connections of one account."""

    def __init__(self, account: SmtpAccount) -> None:
        self.size = max(1, min(account.first_window, account.window))  # messages under way on one connection
        self._most = account.window
        self._good = 0

    def went_well(self, count: int) -> None:
        """The provider took so many more messages."""
        if self.size >= self._most:
            return
        self._good += count
        if self._good >= _GOOD_MESSAGES:
            self._good = 0
            self.size = min(self._most, self.size * 2)

    def broke(self) -> None:
        """A connection broke with messages under way."""
        self.size = 1
        self._good = 0
