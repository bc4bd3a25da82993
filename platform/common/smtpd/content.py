"""The text of one message while it arrives: where it ends, and whether it may be taken."""

from common.smtpd.replies import BAD_CONTENT, NO_MEMORY, TEXT_LINE_TOO_LONG, TOO_LARGE, Reply
from common.smtpd.settings import SmtpdSettings

_END = b"\r\n.\r\n"
_TAIL = len(_END) - 1


class IncomingContent:
    """Collects the pieces after DATA. Only CRLF . CRLF ends it, RFC 5321 section 4.1.1.4."""

    __slots__ = ("_buffer", "_most_held", "_refusal", "_settings", "arrived")

    def __init__(self, settings: SmtpdSettings) -> None:
        # The CRLF of the DATA line belongs to the end mark of an empty message.
        self._buffer = bytearray(b"\r\n")
        self._settings = settings
        # Doubled dots can make a message that is just small enough longer by a third.
        self._most_held = settings.size_limit + settings.size_limit // 3 + 1024
        self._refusal: Reply | None = None
        self.arrived = 0

    @property
    def held(self) -> int:
        """Octets of memory in use."""
        return len(self._buffer)

    def feed(self, data: bytes) -> bytes | None:
        """Take the next octets. Those after the end mark; None as long as it has not come."""
        buffer = self._buffer
        searched = max(0, len(buffer) - _TAIL)
        buffer += data
        self.arrived += len(data)
        end = buffer.find(_END, searched)
        if end >= 0:
            rest = bytes(buffer[end + len(_END) :])
            del buffer[end + 2 :]
            return rest
        if self._refusal is not None or len(buffer) > self._most_held:
            self._drop(TOO_LARGE)
        return None

    def give_up(self) -> None:
        """Keep nothing more of it, because all messages together need too much memory."""
        self._drop(NO_MEMORY)

    def finish(self) -> bytes | Reply:
        """After the end: the message, dots undoubled (section 4.5.2), or why it is refused."""
        if self._refusal is not None:
            return self._refusal
        content = bytes(self._buffer)
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        content = content[2:]
        if len(content) > self._settings.size_limit:
            return TOO_LARGE
        if len(content) - len(content.translate(None, b"\r\n\0")) != 2 * content.count(b"\r\n"):
            return BAD_CONTENT  # there is a CR or LF outside a pair, or a NUL
        if _has_line_over(content, self._settings.max_text_line):
            return TEXT_LINE_TOO_LONG
        return content

    def _drop(self, why: Reply) -> None:
        """From now on only what is needed to see the end mark is kept."""
        if self._refusal is None:
            self._refusal = why
        del self._buffer[:-_TAIL]


def _has_line_over(content: bytes, limit: int) -> bool:
    """Jumps from line end to line end, as far as the limit reaches."""
    position = 0
    while len(content) - position > limit:
        line_end = content.rfind(b"\n", position, position + limit)
        if line_end < 0:
            return True
        position = line_end + 1
    return False
