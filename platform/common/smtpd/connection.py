"""The bytes of one connection: commands out of the stream, replies into it, time limits, back-pressure."""

import asyncio
import logging
from asyncio import Future
from typing import Any, Protocol, cast

from common.smtpd import replies
from common.smtpd.content import IncomingContent
from common.smtpd.conversation import Answer, Conversation, Waiting
from common.smtpd.handler import Handler, Session
from common.smtpd.replies import Reply
from common.smtpd.settings import SmtpdSettings

logger = logging.getLogger(__name__)

_FAULTS = frozenset({500, 501, 502, 503, 504, 555})
_FORBIDDEN = bytes(range(32)) + b"\x7f"
_LINGER = 5.0  # seconds
_LINGER_WHEN_STOPPING = 0.5


class Hub(Protocol):
    """What the connections of one server share."""

    settings: SmtpdSettings
    handler: Handler
    buffered: int  # octets of messages that are arriving or being delivered
    stopping: bool

    def opened(self, connection: "Connection", peer: str) -> bool:
        """False if there are too many."""

    def closed(self, connection: "Connection", peer: str) -> None: ...

    def delivering(self, delivery: "Future[Any]") -> None:
        """Stopping waits for it, even if the client has gone."""


class Connection(asyncio.Protocol):
    """Reads no further while an answer is awaited or the client does not take its replies."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._settings = hub.settings
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._input = b""
        self._output: list[bytes] = []
        self._awaited: Future[Any] | None = None
        self._write_full = False
        self._read_paused = False
        self._ended = False  # the client sends no more
        self._closing = False
        self._lingers = False
        self._admitted = False
        self._errors = 0
        self._skips_line = False
        self._held = 0
        self._deadline = 0.0
        self._message_deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peername = transport.get_extra_info("peername") or ("", 0)
        self._session = Session(peer=str(peername[0]), peer_port=int(peername[1]))
        self._conversation = Conversation(self._session, self._settings, self._hub.handler)
        self._admitted = self._hub.opened(self, self._session.peer)
        if not self._admitted:
            self._closing = True
            self._transport.write(replies.TOO_MANY_CONNECTIONS.wire)
            self._transport.close()
            return
        self._rearm(self._loop.time() + self._settings.timeout)
        self._say(self._conversation.greeting())
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._input = self._input + data if self._input else data
        if self._awaited is not None or self._write_full:
            self._pause()
        else:
            self._advance()

    def eof_received(self) -> bool:
        """Replies that are still owed can be read by a client that only closed its own direction."""
        self._ended = True
        return self._awaited is not None

    def pause_writing(self) -> None:
        self._write_full = True

    def resume_writing(self) -> None:
        self._write_full = False
        self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._account(None)
        if self._admitted:
            self._hub.closed(self, self._session.peer)

    # --- called by the server

    def leave(self) -> None:
        """The server stops: say so, after the message that is just being sent or stored."""
        if self._awaited is None and self._conversation.content is None and not self._closing:
            self._say(replies.SHUTTING_DOWN)
            self._flush()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- input

    def _advance(self) -> None:
        """Answer as much as is there, in one packet."""
        position = 0
        while self._awaited is None and not self._closing:
            content = self._conversation.content
            if content is not None:
                self._take_content(content, position)
                position = 0
                if self._conversation.content is not None:
                    break
                continue
            end = self._input.find(b"\r\n", position)
            if end < 0:
                self._input, position = self._input[position:], 0
                self._check_unfinished_line()
                break
            line, position = self._input[position:end], end + 2
            self._take_line(line, more_follows=position < len(self._input))
        self._input = self._input[position:]
        self._flush()

    def _take_line(self, line: bytes, *, more_follows: bool) -> None:
        self._deadline = self._loop.time() + self._settings.timeout
        if self._skips_line or len(line) + 2 > self._settings.max_command_line:
            self._skips_line = False
            self._reply(replies.LINE_TOO_LONG)
        elif len(line.translate(None, _FORBIDDEN)) != len(line):
            bare = b"\r" in line or b"\n" in line
            self._reply(replies.BARE_LINE_END if bare else replies.BAD_CHARACTER)
        elif more_follows and line[:5].rstrip().upper() == b"DATA":
            # Whatever DATA is answered, text that is already here must never be read as commands.
            self._reply(replies.TOO_EARLY)
        else:
            self._ask(self._conversation.answer, line)

    def _check_unfinished_line(self) -> None:
        if b"\n" in self._input:
            self._reply(replies.BARE_LINE_END)
        elif len(self._input) > self._settings.max_command_line:
            self._skips_line = True
            # A CR at the very end may turn out to be half of the line's end.
            self._input = self._input[-1:]

    def _take_content(self, content: IncomingContent, position: int) -> None:
        now = self._loop.time()
        if content.arrived == 0:
            self._message_deadline = now + self._settings.message_timeout
        data, self._input = self._input[position:], b""
        rest = content.feed(data)
        self._deadline = min(now + self._settings.timeout, self._message_deadline)
        if rest is not None:
            self._input = rest
            self._deadline = now + self._settings.timeout
            self._ask(self._conversation.message_arrived)
            if self._awaited is None:
                self._account(None)
            return
        self._account(content)
        if self._hub.buffered > self._settings.max_buffered:
            content.give_up()
            self._account(content)
        if content.arrived > 2 * self._settings.size_limit + 65536:
            self._reply(replies.TOO_LARGE_BY_FAR)

    def _account(self, content: IncomingContent | None) -> None:
        held = content.held if content is not None else 0
        self._hub.buffered += held - self._held
        self._held = held

    # --- answers

    def _ask(self, question: Any, *arguments: object) -> None:
        try:
            answer: Answer = question(*arguments)
        except Exception:
            logger.exception("a handler failed")
            answer = replies.LOCAL_ERROR
        if isinstance(answer, Reply):
            self._reply(answer)
            return
        self._await(answer)

    def _await(self, waiting: Waiting) -> None:
        awaited: Future[Any] = asyncio.ensure_future(waiting.outcome)
        self._awaited = awaited
        self._hub.delivering(awaited)
        awaited.add_done_callback(lambda done: self._answered(done, waiting))

    def _answered(self, done: "Future[Any]", waiting: Waiting) -> None:
        self._awaited = None
        self._account(None)
        if done.cancelled():
            reply = replies.DELIVERY_TIMED_OUT
        elif done.exception() is not None:
            logger.error("a handler failed", exc_info=done.exception())
            reply = replies.LOCAL_ERROR
        else:
            reply = waiting.reply(done.result())
        self._deadline = self._loop.time() + self._settings.timeout
        self._reply(reply)
        self._go_on()

    def _go_on(self) -> None:
        if self._transport is None or self._awaited is not None or self._write_full:
            return
        if self._read_paused:
            self._read_paused = False
            self._transport.resume_reading()
        self._advance()

    def _pause(self) -> None:
        if self._transport is not None and not self._read_paused:
            self._read_paused = True
            self._transport.pause_reading()

    def _reply(self, reply: Reply) -> None:
        """Say it, and what has to be said because of it."""
        if reply.code in _FAULTS:
            self._errors += 1
        self._say(reply)
        if self._closing:
            return
        if self._errors > self._settings.max_errors:
            self._say(replies.TOO_MANY_ERRORS)
        elif self._hub.stopping and self._conversation.content is None and self._awaited is None:
            self._say(replies.SHUTTING_DOWN)

    def _say(self, reply: Reply) -> None:
        self._output.append(reply.wire)
        if reply.closes:
            self._closing = True

    def _flush(self) -> None:
        if self._transport is None:
            return
        if self._output:
            self._transport.write(b"".join(self._output))
            self._output.clear()
        if self._closing and not self._lingers:
            self._close(self._transport)
        elif self._ended and self._awaited is None:
            self._transport.close()

    def _close(self, transport: asyncio.Transport) -> None:
        """Leave it to the client to end the connection, for a while: an end of ours could drop the reply."""
        if self._ended or not transport.can_write_eof():
            transport.close()
            return
        self._lingers = True
        self._input = b""
        try:
            transport.write_eof()
        except OSError:  # the client has gone, the loop has just not said so yet
            transport.abort()
            return
        if self._read_paused:
            transport.resume_reading()
        self._rearm(self._loop.time() + (_LINGER_WHEN_STOPPING if self._hub.stopping else _LINGER))

    # --- time

    def _on_timer(self) -> None:
        if self._loop.time() < self._deadline:
            self._rearm(self._deadline)
        elif self._closing:
            self.abort()
        elif self._awaited is not None:
            self._deadline = self._loop.time() + self._settings.timeout
            self._rearm(self._deadline)
            self._awaited.cancel()
        else:
            self._say(replies.TIMED_OUT)
            self._flush()

    def _rearm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._deadline = deadline
        self._timer = self._loop.call_at(deadline, self._on_timer)
