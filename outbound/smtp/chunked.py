"""Sending to a server that offers CHUNKING and PIPELINING, RFC 3030: many messages a round trip."""

from collections import deque
from typing import Final

from outbound.smtp.replies import RawReply
from outbound.smtp.session import QUIT_SECONDS, Link, Session
from outbound.smtp.types import Outgoing, Stage
from outbound.smtp.window import Window

# The command of the oldest message whose reply comes next. Plain numbers: an Enum is slow to count with.
_RSET: Final = 0
_MAIL: Final = 1
_RCPT: Final = 2
_BDAT: Final = 3
_STAGES: dict[int, Stage] = {_MAIL: "mail", _RCPT: "rcpt", _BDAT: "body"}

_ROUND = 4  # replies to a message
_MOST_BYTES_A_WRITE = 256 * 1024


class ChunkedSession(Session):
    """Whole messages are written without waiting, up to `window` of them.

    Each begins with RSET: when a message is refused, RFC 3030 leaves its transaction open, and the
    message that is already under way behind it would otherwise go out under a stranger's envelope.
    """

    __slots__ = ("_farewell", "_held", "_queue", "_refused", "_step", "_window")

    _queue: deque[Outgoing]  # written, oldest first
    _held: bool  # of the only message in the queue nothing but RSET is written
    _step: int
    _refused: bool  # the oldest message has had its answer, its remaining replies do not matter
    _farewell: RawReply | None  # the 421 that was said
    _window: Window  # refilling waits until half of it is free: two messages a write are cheaper than one

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._queue = deque()
        self._held = self._refused = False
        self._step = _RSET
        self._farewell = None
        self._window = link.window

    @property
    def outstanding(self) -> int:
        return len(self._queue) - self._refused

    @property
    def _busy(self) -> bool:
        return bool(self._queue)

    @property
    def _patience(self) -> float:
        if self._farewell:
            return QUIT_SECONDS
        return self._timeouts.command if self._held else self._timeouts.body

    def pull(self) -> bool:
        if self._held or self._paused:
            return False
        if self._still and not self._queue:
            return self._knock()
        return self._fill()

    def data_received(self, data: bytes) -> None:
        self._activity += 1
        done = self.done
        if self._step == _RSET and self._reader.at_start and not self._held:
            data = self._read_rounds(data)
        if data:
            self._read(data)
        if self.done != done:
            self._window.went_well(self.done - done)
        if not self._ended and not self._quitting:
            self._go_on()

    def _read_rounds(self, data: bytes) -> bytes:
        """Settles the messages whose four replies are all good; the bytes from the first other one on."""
        lines = data.split(b"\n")
        queue, at = self._queue, 0
        for at in range(0, len(lines) - _ROUND, _ROUND):
            reset, mail, rcpt, chunk = lines[at : at + _ROUND]
            if not queue or not reset[:4] == mail[:4] == rcpt[:4] == chunk[:4] == b"250 ":
                break
            self.done += 1
            self._accepted(queue.popleft().cookie, chunk.rstrip(b"\r"))
        else:
            at = (len(lines) - 1) // _ROUND * _ROUND
        return b"\n".join(lines[at:])

    def _go_on(self) -> None:
        if self.is_parked:
            if not self._queue:
                self._idle_again()
        elif len(self._queue) <= self._window.size // 2:
            self.pull()

    def _fill(self) -> bool:
        """Writes as many messages as the window has room for."""
        queue, window, size = self._queue, self._window.size, 0
        pieces: list[bytes] = []
        while len(queue) < window and size < _MOST_BYTES_A_WRITE:
            message = self._take()
            if message is None:
                break
            self._handed_over(message.cookie)
            queue.append(message)
            size += len(message.body)
            pieces += self._transaction(message)
        if not pieces:
            return False
        self._write(b"".join(pieces))
        return True

    def _transaction(self, message: Outgoing) -> tuple[bytes, ...]:
        return (
            b"RSET\r\nMAIL FROM:<",
            message.sender,
            b">",
            self._parameters,
            b"\r\nRCPT TO:<",
            message.recipient,
            b">\r\nBDAT %d LAST\r\n" % len(message.body),
            message.body,
        )

    def _knock(self) -> bool:
        """After a pause only RSET is written: a server that has gone meanwhile leaves nothing in doubt."""
        message = self._take()
        if message is None:
            return False
        self._queue.append(message)
        self._held = True
        self._write(b"RSET\r\n")
        return True

    def _on_reply(self, code: int, lines: list[bytes]) -> None:
        if not self._queue:
            self._unexpected(code, lines)
            return
        if self._step == _RSET:
            self._on_reset_reply(code, lines)
        elif 300 <= code < 400:
            self._out_of_turn(code, lines)
        else:
            self._on_step_reply(self._queue[0], code, lines)

    def _on_reset_reply(self, code: int, lines: list[bytes]) -> None:
        message = self._queue[0]
        if code < 300:
            self._step = _MAIL
            if self._held:
                self._held = False
                self._handed_over(message.cookie)
                self._write(b"".join((b"MAIL FROM:<", *self._transaction(message)[1:])))
        elif code == 421 and not self._held:
            self._step = _MAIL
            self._on_step_reply(message, code, lines)
        else:
            self._out_of_turn(code, lines)

    def _on_step_reply(self, message: Outgoing, code: int, lines: list[bytes]) -> None:
        settled, self._refused = self._refused, self._refused or code >= 400
        if self._refused and not settled:
            self._refuse(message, (code, lines), _STAGES[self._step])
        if code == 421:
            self._see_off(code, lines)
        if self._step != _BDAT:
            self._step += 1
            return
        refused, self._refused = self._refused, False
        self._queue.popleft()
        self._step = _RSET
        if not refused:
            self.done += 1
            self._accepted(message.cookie, lines[-1])

    def _see_off(self, code: int, lines: list[bytes]) -> None:
        """421: the server is closing, and has not looked at what came after.

        RFC 5321 section 3.8 lets it read nothing more; so once it has closed without another word, the
        messages behind this one share the answer, and are not in doubt.
        """
        self._throttled = True
        self._farewell = (code, lines)
        self.retire()

    def _settle(self, reason: str) -> None:
        messages = list(self._queue)[self._refused :]
        self._queue.clear()
        for message in messages:
            if self._held:
                self._pump.returned(message.cookie, reason)
            elif self._farewell:
                self._refuse(message, self._farewell, "body")
            else:
                self._window.broke()
                self._pump.in_doubt(message.cookie, reason)
