"""Sending to a server that offers PIPELINING, RFC 2920: one round trip a message."""

from typing import Final

from outbound.smtp.session import Ending, Link, Session
from outbound.smtp.types import Outgoing, Stage

# The envelope command whose reply comes next. Plain numbers: an Enum is slow to count with.
_RSET: Final = 0
_MAIL: Final = 1
_RCPT: Final = 2
_DATA: Final = 3
_STAGES: dict[int, Stage] = {_MAIL: "mail", _RCPT: "rcpt", _DATA: "data"}


class PipelinedSession(Session):
    """Body k and the envelope of message k + 1 travel in one write; the 354 for k + 1 starts the next.

    At most one body waits for its reply, so a broken connection leaves at most one message in doubt.
    """

    __slots__ = ("_body", "_dirty", "_dot_due", "_envelope", "_recipient_taken", "_refused", "_step")

    _body: Outgoing | None  # written, its reply is the next one
    _envelope: Outgoing | None  # MAIL, RCPT and DATA are written
    _step: int
    _refused: bool  # the message of the envelope has had its answer, the remaining replies do not matter
    _recipient_taken: bool
    _dot_due: bool  # the reply to an empty body is the next one, and does not matter
    _dirty: bool  # the server has an open transaction that must be reset first

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._body = self._envelope = None
        self._step = _MAIL
        self._refused = self._recipient_taken = self._dot_due = self._dirty = False

    @property
    def outstanding(self) -> int:
        return (self._body is not None) + (self._envelope is not None and not self._refused)

    @property
    def _busy(self) -> bool:
        return self._body is not None or self._envelope is not None or self._dot_due

    @property
    def _patience(self) -> float:
        return self._timeouts.command if self._body is None else self._timeouts.body

    def pull(self) -> bool:
        if self._envelope is not None or self._paused:
            return False
        opening = self._open_next()
        if opening:
            self._write(opening)
        return bool(opening)

    def data_received(self, data: bytes) -> None:
        self._activity += 1
        if self._reader.at_start and self._envelope is not None:
            data = self._read_round(data)
        if data:
            self._read(data)

    def _read_round(self, data: bytes) -> bytes:
        """Handles the good replies of a normal round, to the body, to the envelope or to both; returns the rest."""
        lines = data.split(b"\n")
        body, at = self._body, 0
        if body is not None and lines[0][:4] == b"250 " and len(lines) > 1:
            self._body = None
            self.done += 1
            self._accepted(body.cookie, lines[0].rstrip(b"\r"))
            at = 1
        envelope = self._envelope
        if (
            len(lines) == at + 4
            and lines[at][:4] == lines[at + 1][:4] == b"250 "
            and lines[at + 2][:4] == b"354 "
            and not lines[at + 3]
            and self._body is None
            and self._step == _MAIL
            and not self._refused
            and not self._dot_due
            and envelope is not None
        ):
            self._send_body(envelope)
            return b""
        return b"\n".join(lines[at:]) if at else data

    def _send_body(self, message: Outgoing) -> None:
        """Hands `message` over, and opens the transaction of the next one with the same write."""
        following = self._take()
        self._body = message
        self._envelope = following
        self._handed_over(message.cookie)
        if following is None:
            self._write(message.body + b".\r\n")
            return
        self._step = _MAIL
        self._write(
            b"".join(
                (
                    message.body,
                    b".\r\nMAIL FROM:<",
                    following.sender,
                    b">",
                    self._parameters,
                    b"\r\nRCPT TO:<",
                    following.recipient,
                    b">\r\nDATA\r\n",
                )
            )
        )

    def _open_next(self) -> bytes:
        """The commands that open the next message's transaction; b"" if there is none."""
        message = self._take()
        if message is None:
            return b""
        self._envelope = message
        self._refused = self._recipient_taken = False
        self._step = _RSET if self._dirty else _MAIL
        return b"%bMAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n" % (
            b"RSET\r\n" if self._dirty else b"",
            message.sender,
            self._parameters,
            message.recipient,
        )

    def _on_reply(self, code: int, lines: list[bytes]) -> None:
        if self._dot_due:
            self._dot_due = False
            if code == 421:
                self._said_goodbye(lines)
            elif self._envelope is None:
                self._go_on()
        elif self._body is not None:
            self._on_body_reply(self._body, code, lines)
        elif self._envelope is not None:
            self._on_envelope_reply(self._envelope, code, lines)
        else:
            self._unexpected(code, lines)

    def _on_body_reply(self, message: Outgoing, code: int, lines: list[bytes]) -> None:
        if code < 300:
            self._body = None
            self.done += 1
            self._accepted(message.cookie, lines[-1])
        elif code >= 400:
            self._body = None
            self._refuse(message, (code, lines), "body")
        else:
            self._out_of_turn(code, lines)
            return
        if code == 421:
            self._said_goodbye(lines)
        elif self._envelope is None:
            self._go_on()

    def _on_envelope_reply(self, message: Outgoing, code: int, lines: list[bytes]) -> None:
        if self._step == _DATA and code // 100 == 3:
            self._on_go_ahead(message)
            return
        if code < 300 and self._step != _DATA:
            self._on_envelope_accepted()
        elif code >= 400 and self._step != _RSET:
            self._on_envelope_refused(message, code, lines)
        else:
            self._out_of_turn(code, lines)

    def _on_envelope_accepted(self) -> None:
        self._dirty = self._dirty if self._step == _RCPT else self._step == _MAIL
        self._recipient_taken = self._step == _RCPT
        self._step += 1

    def _on_envelope_refused(self, message: Outgoing, code: int, lines: list[bytes]) -> None:
        settled, self._refused = self._refused, True
        if not settled:
            self._refuse(message, (code, lines), _STAGES[self._step])
        if code == 421:
            self._said_goodbye(lines)
        elif self._step == _DATA:
            self._envelope = None
            self._go_on()
        else:
            self._step += 1

    def _on_go_ahead(self, message: Outgoing) -> None:
        """354: the body, unless the message has been refused, for then nobody is to get it."""
        self._dirty = False
        if not self._refused:
            self._send_body(message)
        elif self._recipient_taken:
            self._fail("the server refused the sender and took the recipient", Ending.LOST)
        else:
            self._envelope = None
            self._dot_due = True
            self._write(b".\r\n" + self._open_next())

    def _go_on(self) -> None:
        if not self.is_parked:
            self.pull()
        elif not self._busy:
            self._idle_again()

    def _settle(self, reason: str) -> None:
        body, envelope = self._body, self._envelope
        self._body = self._envelope = None
        self._dot_due = False
        if body is not None:
            self._pump.in_doubt(body.cookie, reason)
        if envelope is not None and not self._refused:
            self._pump.returned(envelope.cookie, reason)
