"""When a connection is opened: as many as there is work for, and not before its time."""

import asyncio
import ssl
from collections.abc import Callable

from outbound.smtp.backoff import Backoff
from outbound.smtp.handshake import Handshake
from outbound.smtp.tls import make_context
from outbound.smtp.types import SmtpAccount, SmtpDown

# After a wrong password or a bad certificate. Asking more often could lock the account at the provider.
PERMANENT_SECONDS = 300.0


class Openings:
    """Opens connections in the background and says `opened` or `failed`.

    `established` tells how many connections exist. At most as many are being opened as exist already
    (but one), so their number doubles with each round trip and a provider that is down sees one attempt
    at a time.
    """

    def __init__(
        self,
        account: SmtpAccount,
        *,
        established: Callable[[], int],
        opened: Callable[[Handshake], None],
        failed: Callable[[SmtpDown], None],
        chance: Callable[[], float],
    ) -> None:
        self.allowed = False  # one more may be opened now; kept true to the facts by assess()
        self._account = account
        self._established = established
        self._report_opened = opened
        self._report_failed = failed
        self._loop = asyncio.get_running_loop()
        self._context: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ceiling = account.connections
        self._retry = Backoff(first=0.25, last=30.0, chance=chance)
        self._settle = Backoff(first=30.0, last=600.0, chance=chance)
        self._waiting: asyncio.TimerHandle | None = None  # until then nothing is opened
        self._settled: asyncio.TimerHandle | None = None  # until then the ceiling is low
        self._needed = False  # somebody wanted a connection when there was no room for it
        self._stopped = False

    def open_if_allowed(self) -> None:
        """One more, now, or as soon as there is room for it."""
        if self._waiting is not None or self._stopped:
            return  # the end of the waiting opens one in any case
        if not self.allowed:
            self._needed = not self._tasks
            return
        self._needed = False
        task = self._loop.create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        self.assess()

    def assess(self) -> None:
        """To be called whenever the number of connections has changed."""
        established, opening = self._established(), len(self._tasks)
        self.allowed = (
            not self._stopped
            and self._waiting is None
            and established + opening < self._ceiling
            and opening < max(1, established)
        )
        if self._needed and self.allowed:
            self.open_if_allowed()

    def all_is_well(self) -> None:
        """A connection did its work: the next failure is the first one again."""
        self._retry.reset()

    def make_do(self) -> None:
        """The provider takes no more than there are: asks for more after 30 s, later after 10 min."""
        self._ceiling = max(1, self._established())
        if self._settled is None:
            self._settled = self._loop.call_later(self._settle.next_delay(), self._try_more)
        self.assess()

    def wait(self, *, permanent: bool = False) -> None:
        """Nothing is opened for a while; then one connection is tried."""
        if self._waiting is None and not self._stopped:
            delay = PERMANENT_SECONDS if permanent else self._retry.next_delay()
            self._waiting = self._loop.call_later(delay, self._try_again)
            self.assess()

    def stop(self) -> list[asyncio.Task[None]]:
        """Opens nothing any more; the attempts that were under way, cancelled."""
        self._stopped = True
        self.allowed = self._needed = False
        for timer in (self._waiting, self._settled):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    async def _open(self) -> None:
        try:
            if self._context is None:
                self._context = make_context(self._account)
            handshake = Handshake(self._account, self._context)
            await handshake.run()
        except SmtpDown as error:
            self._no_longer_opening()
            self._report_failed(error)
        else:
            self._no_longer_opening()
            self._report_opened(handshake)

    def _no_longer_opening(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.discard(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.assess()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "opening an SMTP connection", "exception": error})
            if not self._established():
                self.wait()

    def _try_again(self) -> None:
        self._waiting = None
        self.assess()
        if not self._established():
            self.open_if_allowed()

    def _try_more(self) -> None:
        self._settled = None
        self._ceiling = self._account.connections
        self.assess()
