"""What all ways of sending on one open connection have in common."""

import asyncio
import enum
from dataclasses import dataclass
from typing import Protocol

from outbound.smtp.capabilities import Capabilities
from outbound.smtp.envelope import examine
from outbound.smtp.replies import ProtocolViolation, RawReply, ReplyReader, make_reply, single_reply
from outbound.smtp.types import Outgoing, Pump, SmtpAccount, Stage
from outbound.smtp.window import Window

# RFC 5321 lets the client wait for the answer to QUIT; nothing depends on it any more.
QUIT_SECONDS = 5.0


class Ending(enum.Enum):
    """How a session came to its end."""

    QUIT = "quit"  # nothing was under way: our QUIT, or the server tired of an idle connection
    LOST = "lost"  # broken, silent for too long, or not SMTP
    THROTTLED = "throttled"  # the server sent 421


class Room(Protocol):
    """Whether there is room for one more connection."""

    allowed: bool


class Owner(Protocol):
    """The pool, as its sessions see it."""

    @property
    def room(self) -> Room: ...

    def grow(self) -> None:
        """There was room, and a session found work without having waited for it."""

    def parked(self, session: "Session") -> None:
        """The session found no work and waits for `wake`."""

    def leaving(self, session: "Session") -> None:
        """The session pulls no more messages."""

    def ended(self, session: "Session", ending: Ending, reason: str) -> None:
        """The connection is gone, and every message on it has had its end."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a session is made from."""

    owner: Owner
    pump: Pump
    transport: asyncio.Transport
    account: SmtpAccount
    capabilities: Capabilities
    window: Window


class Session(asyncio.Protocol):
    """One connection, greeted and authenticated, that pulls messages and writes them.

    Subclasses keep the messages taken and not yet settled; they say how a reply is understood
    (`_on_reply`), how many messages are under way, how to ask for work, and what becomes of
    everything under way when the connection is gone. Nothing here costs anything per message but `_take`.
    """

    __slots__ = (
        "_accepted",
        "_activity",
        "_capabilities",
        "_ended",
        "_fresh_from_parking",
        "_handed_over",
        "_last_progress",
        "_left",
        "_next",
        "_owner",
        "_parameters",
        "_paused",
        "_pump",
        "_quitting",
        "_reader",
        "_retiring",
        "_room",
        "_still",
        "_throttled",
        "_timeouts",
        "_transport",
        "_write",
        "done",
        "is_parked",
        "left_work",
    )

    def __init__(self, link: Link) -> None:
        self.done = 0  # messages this connection brought to a reply, 421 excepted
        self.is_parked = False
        self.left_work = False  # at its end there were messages it might have sent
        self._owner = link.owner
        self._room = link.owner.room
        self._pump = link.pump
        self._transport = link.transport
        self._write = link.transport.write
        self._timeouts = link.account.timeouts
        self._capabilities = link.capabilities
        self._reader = ReplyReader()
        self._next = link.pump.next_message
        self._accepted = link.pump.accepted
        self._handed_over = link.pump.handed_over
        self._parameters = b""  # of the MAIL command of the message taken last
        self._left = link.account.messages_per_connection
        if self._left:
            self._next = self._next_of_a_few
        self._fresh_from_parking = False
        self._paused = False
        self._retiring = False
        self._quitting = False
        self._throttled = False  # the server said 421, so whatever happens next is not the network's fault
        self._ended = False
        self._activity = 0
        self._last_progress = (0, 0)
        self._still = 0.0  # seconds without any progress, counted by tick()

    # What a subclass provides.

    @property
    def outstanding(self) -> int:
        """Messages taken and not settled."""
        raise NotImplementedError

    @property
    def _busy(self) -> bool:
        """The server still owes a reply, be it only to a message that is settled already."""
        raise NotImplementedError

    @property
    def _patience(self) -> float:
        """Seconds the reply that is due may take."""
        raise NotImplementedError

    def pull(self) -> bool:
        """Asks for a message if one could be written now; tells whether one was taken."""
        raise NotImplementedError

    def _on_reply(self, code: int, lines: list[bytes]) -> None:
        raise NotImplementedError

    def _settle(self, reason: str) -> None:
        """The connection is gone: gives every message taken its end."""
        raise NotImplementedError

    # What the owner calls.

    def wake(self) -> bool:
        """There may be work again; False if there turned out to be none."""
        self.is_parked = False
        if self._paused or self._transport.is_closing():
            return True  # asks as soon as the server has read what is written, or never again
        self._fresh_from_parking = True
        took_one = self.pull()
        if took_one:
            self._still = 0.0
        return took_one

    def retire(self) -> None:
        """Takes no more messages, finishes those under way and says QUIT."""
        self._take_no_more()
        if not self._busy:
            self._quit()

    def abort(self, reason: str) -> None:
        """Closes at once; what was under way is returned or in doubt."""
        self._fail(reason, Ending.LOST if self._busy else Ending.QUIT)

    def tick(self, seconds: float) -> None:
        """Called about every `seconds`: finds silence without costing the hot path a clock."""
        progress = (self._activity, self._transport.get_write_buffer_size())
        if progress != self._last_progress:
            self._last_progress = progress
            self._still = 0.0
            return
        self._still += seconds
        if self._quitting:
            if self._still >= QUIT_SECONDS:
                self._fail("no answer to QUIT", Ending.QUIT)
        elif self._busy:
            if self._still >= self._patience:
                self._fail(f"the server was silent for {self._patience:g} s", Ending.LOST)
        elif self._still >= self._timeouts.idle:
            self.retire()

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        self._activity += 1
        self._read(data)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if not self.is_parked:
            self.pull()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f"the connection was lost: {exc}" if exc else "the server closed the connection"
        self._end(reason, Ending.LOST if self._busy else Ending.QUIT)

    # What subclasses call.

    def _read(self, data: bytes) -> None:
        """The careful way: one reply after the other, whatever they say."""
        if self._reader.at_start and not self._quitting and (code := single_reply(data)):
            self._on_reply(code, [data.rstrip(b"\r\n")])
            return
        try:
            for code, lines in self._reader.feed(data):
                if self._quitting:
                    self._transport.close()
                if self._quitting or self._ended:
                    return
                self._on_reply(code, lines)
        except ProtocolViolation as violation:
            self._fail(f"the server does not keep to the protocol: {violation}", Ending.LOST)

    def _take(self) -> Outgoing | None:
        """The next message that may be sent, `_parameters` with it; without one the session parks."""
        while (message := self._next()) is not None:
            verdict = examine(message, self._capabilities)
            if verdict.__class__ is bytes:
                self._parameters = verdict
                break
            self._pump.replied(message.cookie, verdict)  # type: ignore[arg-type]
        else:
            self._park()
            return None
        if self._fresh_from_parking:  # a single message after a pause is no reason for a second connection
            self._fresh_from_parking = False
        elif self._room.allowed:
            self._owner.grow()
        return message

    def _out_of_turn(self, code: int, lines: list[bytes]) -> None:
        """A reply that makes no sense after the command it answers; nothing that follows would."""
        if code == 421:
            self._said_goodbye(lines)
        else:
            self._fail(f"the server said {code} {make_reply(code, lines, 'connect').text} out of turn", Ending.LOST)

    def _said_goodbye(self, lines: list[bytes]) -> None:
        """The server is closing; whose answer it was has been told."""
        self._throttled = True
        self._fail(f"the server said 421 {make_reply(421, lines, 'connect').text}", Ending.THROTTLED)

    def _refuse(self, message: Outgoing, raw: RawReply, stage: Stage) -> None:
        self.done += raw[0] != 421
        self._pump.replied(message.cookie, make_reply(*raw, stage))

    def _idle_again(self) -> None:
        """Nothing is under way any more, and nothing was found to do."""
        if self._retiring and not self._ended:
            self._quit()

    def _unexpected(self, code: int, lines: list[bytes]) -> None:
        """A reply nobody asked for: a farewell, or nonsense."""
        text = make_reply(code, lines, "connect").text
        self._fail(f"the server said {code} {text}", Ending.LOST if self._busy else Ending.QUIT)

    def _fail(self, reason: str, ending: Ending) -> None:
        if not self._ended:
            self._transport.abort()
            self._end(reason, ending)

    # Private steps.

    def _park(self) -> None:
        self.is_parked = True
        if not self._retiring:
            self._owner.parked(self)
        elif not self._busy:
            self._quit()

    def _take_no_more(self) -> None:
        self._retiring = True
        self._next = _nothing
        self._owner.leaving(self)

    def _next_of_a_few(self) -> Outgoing | None:
        if not self._left:
            self.left_work = True
            self._take_no_more()
            return None
        message = self._pump.next_message()
        self._left -= message is not None
        return message

    def _quit(self) -> None:
        if not self._quitting and not self._transport.is_closing():
            self._quitting = True
            self._still = 0.0
            self._write(b"QUIT\r\n")

    def _end(self, reason: str, ending: Ending) -> None:
        if self._ended:
            return
        self._ended = True
        self.left_work = self.left_work or self.outstanding > 0
        self._settle(reason)
        self._owner.ended(self, Ending.THROTTLED if self._throttled else ending, reason)


def _nothing() -> None:
    return None
