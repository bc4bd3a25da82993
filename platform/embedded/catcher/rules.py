"""Playing the world: recipients that do not exist, and servers that are busy at the first attempt."""

from collections import OrderedDict
from collections.abc import Iterable
from fnmatch import fnmatchcase

from common.smtpd import Reply

_NO_SUCH_USER = Reply(550, "5.1.1", "No such user here")
_COME_AGAIN = Reply(451, "4.7.1", "Not now, please try again")
_REMEMBERED = 100_000


class RecipientRules:
    """Patterns as in a shell, for the whole address in lower case: `bounce*@*`, `*@gone.example`.

    `refuse` answers 550 every time, `defer` answers 451 to the first attempt for an address.
    """

    def __init__(self, *, refuse: Iterable[str] = (), defer: Iterable[str] = ()) -> None:
        self._refuse = [pattern.lower() for pattern in refuse]
        self._defer = [pattern.lower() for pattern in defer]
        self._deferred: OrderedDict[str, None] = OrderedDict()

    def verdict(self, address: str) -> Reply | None:
        address = address.lower()
        if any(fnmatchcase(address, pattern) for pattern in self._refuse):
            return _NO_SUCH_USER
        if any(fnmatchcase(address, pattern) for pattern in self._defer) and self._is_first(address):
            return _COME_AGAIN
        return None

    def _is_first(self, address: str) -> bool:
        if address in self._deferred:
            return False
        self._deferred[address] = None
        if len(self._deferred) > _REMEMBERED:
            self._deferred.popitem(last=False)
        return True
