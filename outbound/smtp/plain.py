"""Sending to a server without PIPELINING: each command waits for the reply to the one before."""

from typing import Final

from outbound.smtp.session import Link, Session
from outbound.smtp.types import Outgoing, Stage

# The command whose reply comes next. Plain numbers: an Enum is slow to compare.
_RSET: Final = 0
_MAIL: Final = 1
_RCPT: Final = 2
_DATA: Final = 3
_BODY: Final = 4
_POSITIVE = (2, 2, 2, 3, 2)  # the first digit that lets go on
_STAGES: tuple[Stage, ...] = ("connect", "mail", "rcpt", "data", "body")


class PlainSession(Session):
    """Four round trips a message, RFC 5321 section 3.3. One message at a time."""

    __slots__ = ("_dirty", "_message", "_waiting")

    _message: Outgoing | None
    _waiting: int
    _dirty: bool  # the server has an open transaction that must be reset first

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._message = None
        self._waiting = _MAIL
        self._dirty = False

    @property
    def outstanding(self) -> int:
        return 0 if self._message is None else 1

    @property
    def _busy(self) -> bool:
        return self._message is not None

    @property
    def _patience(self) -> float:
        return self._timeouts.body if self._waiting == _BODY else self._timeouts.command

    def pull(self) -> bool:
        if self._message is not None or self._paused:
            return False
        self._message = self._take()
        if self._message is None:
            return False
        if self._dirty:
            self._send(b"RSET\r\n", _RSET)
        else:
            self._send_mail(self._message)
        return True

    def _on_reply(self, code: int, lines: list[bytes]) -> None:
        message, kind = self._message, code // 100
        if message is None:
            self._unexpected(code, lines)
        elif kind == _POSITIVE[self._waiting]:
            self._go_on(message, lines)
        elif kind in (4, 5) and self._waiting != _RSET:
            self._refused(message, code, lines)
        else:
            self._out_of_turn(code, lines)

    def _go_on(self, message: Outgoing, lines: list[bytes]) -> None:
        """After the reply that was hoped for."""
        waiting = self._waiting
        if waiting == _MAIL:
            self._send(b"RCPT TO:<%b>\r\n" % message.recipient, _RCPT)
        elif waiting == _RCPT:
            self._send(b"DATA\r\n", _DATA)
        elif waiting == _DATA:
            self._handed_over(message.cookie)
            self._send(message.body + b".\r\n", _BODY)
        elif waiting == _BODY:
            self._message = None
            self.done += 1
            self._accepted(message.cookie, lines[-1])
            self.pull()
        else:
            self._dirty = False
            self._send_mail(message)

    def _settle(self, reason: str) -> None:
        message, self._message = self._message, None
        if message is None:
            return
        if self._waiting == _BODY:
            self._pump.in_doubt(message.cookie, reason)
        else:
            self._pump.returned(message.cookie, reason)

    def _send_mail(self, message: Outgoing) -> None:
        self._send(b"MAIL FROM:<%b>%b\r\n" % (message.sender, self._parameters), _MAIL)

    def _send(self, data: bytes, waiting: int) -> None:
        self._waiting = waiting
        self._write(data)

    def _refused(self, message: Outgoing, code: int, lines: list[bytes]) -> None:
        self._message = None
        self._dirty = self._waiting in (_RCPT, _DATA)
        self._refuse(message, (code, lines), _STAGES[self._waiting])
        if code == 421:
            self._said_goodbye(lines)
        else:
            self.pull()
