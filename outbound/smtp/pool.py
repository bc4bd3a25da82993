"""The connections to one account, and the one thing the sending engine has to do with."""

import asyncio
import random
from collections.abc import Callable

from outbound.smtp.capabilities import Capabilities
from outbound.smtp.handshake import Handshake
from outbound.smtp.modes import make_session
from outbound.smtp.openings import Openings
from outbound.smtp.session import Ending, Link, Session
from outbound.smtp.types import Pump, SmtpAccount, SmtpDown
from outbound.smtp.window import Window

# Connections that came to nothing, one after the other, before the provider counts as down.
_LOSSES_UNTIL_DOWN = 3


class SmtpPool:
    """Up to `account.connections` connections that pull messages from `pump` and send them.

    It begins with one connection and opens more only while there is work for all of them. With none
    that works it tries again after 0.25 to 30 s, or 5 min when only a person can help; when the provider
    takes no more connections than there are, it makes do with these and asks again later. Idle
    connections are closed, and opened again by `wake`.
    """

    def __init__(
        self,
        account: SmtpAccount,
        pump: Pump,
        *,
        tick_seconds: float = 1.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """To be made on the running loop. `tick_seconds`: how exact time-outs are."""
        self.capabilities: Capabilities | None = None  # as offered on the connection opened last
        self._account = account
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._sessions: set[Session] = set()
        self._leaving: set[Session] = set()  # they finish what is under way and pull no more
        self._parked: list[Session] = []
        self._openings = Openings(
            account,
            established=lambda: len(self._sessions) + len(self._leaving),
            opened=self._opened,
            failed=self._failed,
            chance=chance,
        )
        self._window = Window(account)
        self._losses = 0
        self._known_up = False
        self._waking = False
        self._stopping = False
        self._empty = asyncio.Event()
        self._tick_seconds = tick_seconds
        self._ticker: asyncio.TimerHandle | None = None

    @property
    def open_connections(self) -> int:
        """Connections that take messages."""
        return len(self._sessions)

    @property
    def in_flight(self) -> int:
        """Messages taken from the pump and not settled."""
        return sum(session.outstanding for session in self._sessions | self._leaving)

    async def start(self) -> None:
        """Begins to connect; whether that works is for the pump to hear. To be called once."""
        self._tick()
        self._openings.assess()
        self._openings.open_if_allowed()

    def wake(self) -> None:
        """There may be work again. Cheap, and allowed at any time, in the pump's calls too."""
        if not self._waking and not self._stopping:
            self._waking = True
            self._loop.call_soon(self._wake)

    async def drain(self, timeout: float) -> None:
        """Takes no more messages, waits up to `timeout` seconds for those under way, says QUIT.

        What is not finished by then is returned or in doubt, as after `abort`.
        """
        attempts = self._stop()
        for session in list(self._sessions):
            session.retire()
        try:
            async with asyncio.timeout(timeout):
                while self._sessions or self._leaving:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            self.abort()
        await asyncio.gather(*attempts, return_exceptions=True)
        self._stop_ticking()

    def abort(self) -> None:
        """Closes everything at once. When it returns, every message taken has had its end."""
        self._stop()
        for session in [*self._sessions, *self._leaving]:
            session.abort("the sender was stopped")
        self._stop_ticking()

    # What the sessions call.

    @property
    def room(self) -> Openings:
        return self._openings

    def grow(self) -> None:
        if not self._parked:
            self._openings.open_if_allowed()

    def parked(self, session: Session) -> None:
        self._parked.append(session)

    def leaving(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
            self._leaving.add(session)
            self._forget_parked(session)

    def ended(self, session: Session, ending: Ending, reason: str) -> None:
        self._sessions.discard(session)
        self._leaving.discard(session)
        self._forget_parked(session)
        if not self._sessions and not self._leaving:
            self._empty.set()
        if self._stopping:
            return
        if session.done or ending is Ending.QUIT:
            self._losses = 0
            self._openings.all_is_well()
        if ending is Ending.QUIT:
            self._openings.assess()
        else:
            self._broke(session, ending, reason)
        if session.left_work:
            self.wake()

    # Private steps.

    def _wake(self) -> None:
        self._waking = False
        if not self._sessions:
            self._openings.open_if_allowed()
        while self._parked:
            if not self._parked.pop().wake():
                break

    def _opened(self, handshake: Handshake) -> None:
        if self._stopping:
            handshake.abort()
            return
        self.capabilities = handshake.capabilities
        link = Link(self, self._pump, handshake.transport, self._account, handshake.capabilities, self._window)
        session = make_session(link)
        self._sessions.add(session)
        if not self._known_up:
            self._known_up = True
            self._pump.provider_up()
        self._openings.assess()
        try:
            if len(self._sessions) == 1:
                session.wake()  # a single message is no reason for a second connection
            else:
                session.pull()
        except BaseException:
            session.abort("the sender failed")
            raise

    def _failed(self, error: SmtpDown) -> None:
        if self._sessions or self._leaving:
            self._openings.make_do()
        else:
            self._down(error)

    def _broke(self, session: Session, ending: Ending, reason: str) -> None:
        self._losses += not session.done
        if self._sessions:
            if ending is Ending.THROTTLED or not session.done:
                self._openings.make_do()
            else:
                self._openings.assess()
        elif self._losses >= _LOSSES_UNTIL_DOWN:
            self._down(SmtpDown(f"{self._account.host} breaks off before it has taken a message: {reason}."))
        else:
            self._openings.wait()

    def _down(self, error: SmtpDown) -> None:
        self._known_up = False
        self._openings.wait(permanent=error.permanent)
        self._pump.provider_down(error)

    def _forget_parked(self, session: Session) -> None:
        if session.is_parked and session in self._parked:
            self._parked.remove(session)

    def _tick(self) -> None:
        self._ticker = self._loop.call_later(self._tick_seconds, self._tick)
        for session in [*self._sessions, *self._leaving]:
            session.tick(self._tick_seconds)

    def _stop(self) -> list[asyncio.Task[None]]:
        self._stopping = True
        self._parked.clear()
        return self._openings.stop()

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
