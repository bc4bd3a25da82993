"""What is answered to each command (RFC 5321 section 4.1). Knows no socket and no time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from common.smtpd import replies
from common.smtpd.content import IncomingContent
from common.smtpd.handler import Envelope, Handler, MailOptions, Session, Verdict
from common.smtpd.paths import (
    BadOptions,
    BadPath,
    parse_mail_options,
    parse_path,
    refuse_recipient_options,
)
from common.smtpd.replies import Reply
from common.smtpd.settings import SmtpdSettings

_BAD_SENDER = Reply(501, "5.1.7", "Write MAIL FROM:<address>")
_BAD_RECIPIENT = Reply(501, "5.1.3", "Write RCPT TO:<address>")
_BAD_NAME = Reply(501, "5.5.4", "Give the name of your machine")
_HELP = Reply(214, "2.0.0", "Commands: EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Waiting:
    """The reply is not known yet: await the outcome, then ask for it."""

    outcome: Awaitable[Any]
    reply: Callable[[Any], Reply]


Answer = Reply | Waiting


class Conversation:
    """One client's dialogue. While `content` is set, what arrives is a message and not commands."""

    content: IncomingContent | None
    _sender: str | None  # None before MAIL; "" is the null sender
    _options: MailOptions
    _recipients: list[str]

    def __init__(self, session: Session, settings: SmtpdSettings, handler: Handler) -> None:
        self.session = session
        self._settings = settings
        self._handler = handler
        self._reset()

    def greeting(self) -> Reply:
        return Reply(220, "", f"{self._settings.hostname} {self._settings.banner}")

    def answer(self, line: bytes) -> Answer:
        """`line` is a command without its CRLF."""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return replies.BAD_CHARACTER
        verb, _, argument = text.partition(" ")
        command = _COMMANDS.get(verb.upper())
        if command is None:
            return replies.NOT_IMPLEMENTED if verb.upper() in _NOT_OFFERED else replies.UNKNOWN_COMMAND
        return command(self, argument.strip(" "))

    def message_arrived(self) -> Answer:
        """After the end mark: hand the message over. The transaction is over, whatever comes of it."""
        if self.content is None:
            raise RuntimeError("no message was begun")
        content = self.content.finish()
        envelope = Envelope(
            sender=self._sender or "",
            recipients=tuple(self._recipients),
            content=content if isinstance(content, bytes) else b"",
            helo=self.session.helo,
            peer=self.session.peer,
            options=self._options,
        )
        self._reset()
        if isinstance(content, Reply):
            return content
        outcome = self._handler.deliver(self.session, envelope)
        return outcome if isinstance(outcome, Reply) else Waiting(outcome, _same)

    # --- commands

    def _ehlo(self, argument: str) -> Answer:
        return self._hello(argument, extended=True)

    def _helo(self, argument: str) -> Answer:
        return self._hello(argument, extended=False)

    def _hello(self, name: str, *, extended: bool) -> Reply:
        if not name or len(name) > _LONGEST_NAME or " " in name or not name.isprintable():
            return _BAD_NAME
        self._reset()
        self.session.helo = name
        self.session.extended = extended
        lines = [self._settings.hostname, *(self._extensions() if extended else ())]
        return Reply(250, "", "\n".join(lines))

    def _extensions(self) -> list[str]:
        return [
            "PIPELINING",
            f"SIZE {self._settings.size_limit}",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "SMTPUTF8",
        ]

    def _mail(self, argument: str) -> Answer:
        if not self.session.helo:
            return replies.NEEDS_HELLO
        if self._sender is not None:
            return replies.SENDER_TWICE
        if argument[:5].upper() != "FROM:":
            return _BAD_SENDER
        try:
            address, rest = parse_path(argument[5:].lstrip(" "))
            options = parse_mail_options(rest)
        except BadPath:
            return _BAD_SENDER
        except BadOptions as error:
            return error.reply
        if address == "postmaster":  # only a recipient may lack its domain
            return _BAD_SENDER
        if not address.isascii() and not options.smtputf8:
            return replies.NEEDS_SMTPUTF8
        if options.size is not None and options.size > self._settings.size_limit:
            return replies.TOO_LARGE

        verdict = self._handler.accept_sender(self.session, address, options)
        return _answer_with(verdict, partial(self._sender_decided, address, options))

    def _sender_decided(self, address: str, options: MailOptions, verdict: Reply | None) -> Reply:
        if verdict is not None:
            return verdict
        self._sender, self._options = address, options
        return replies.SENDER_OK

    def _rcpt(self, argument: str) -> Answer:
        if self._sender is None:
            return replies.NEEDS_MAIL
        if argument[:3].upper() != "TO:":
            return _BAD_RECIPIENT
        try:
            address, rest = parse_path(argument[3:].lstrip(" "))
            refuse_recipient_options(rest)
        except BadPath:
            return _BAD_RECIPIENT
        except BadOptions as error:
            return error.reply
        if not address:
            return _BAD_RECIPIENT
        if not address.isascii() and not self._options.smtputf8:
            return replies.NEEDS_SMTPUTF8
        if len(self._recipients) >= self._settings.max_recipients:
            return replies.TOO_MANY_RECIPIENTS

        verdict = self._handler.accept_recipient(self.session, address)
        return _answer_with(verdict, partial(self._recipient_decided, address))

    def _recipient_decided(self, address: str, verdict: Reply | None) -> Reply:
        if verdict is not None:
            self._refused = True
            return verdict
        self._recipients.append(address)
        return replies.RECIPIENT_OK

    def _data(self, argument: str) -> Answer:
        if argument:
            return replies.NO_ARGUMENT_ALLOWED
        if self._sender is None:
            return replies.NEEDS_MAIL
        if not self._recipients:
            return replies.NO_VALID_RECIPIENT if self._refused else replies.NEEDS_RECIPIENT
        self.content = IncomingContent(self._settings)
        return replies.START_INPUT

    def _rset(self, argument: str) -> Answer:
        if argument:
            return replies.NO_ARGUMENT_ALLOWED
        self._reset()
        return replies.OK

    def _noop(self, argument: str) -> Answer:
        return replies.OK

    def _vrfy(self, argument: str) -> Answer:
        return replies.CANNOT_VERIFY if argument else Reply(501, "5.5.4", "Give an address")

    def _help(self, argument: str) -> Answer:
        return _HELP

    def _quit(self, argument: str) -> Answer:
        return replies.NO_ARGUMENT_ALLOWED if argument else replies.BYE

    def _reset(self) -> None:
        self.content = None
        self._sender = None
        self._options = MailOptions()
        self._recipients = []
        self._refused = False


def _answer_with(verdict: Verdict, decided: Callable[[Reply | None], Reply]) -> Answer:
    return decided(verdict) if verdict is None or isinstance(verdict, Reply) else Waiting(verdict, decided)


def _same(reply: Reply) -> Reply:
    return reply


_COMMANDS: dict[str, Callable[[Conversation, str], Answer]] = {
    "EHLO": Conversation._ehlo,
    "HELO": Conversation._helo,
    "MAIL": Conversation._mail,
    "RCPT": Conversation._rcpt,
    "DATA": Conversation._data,
    "RSET": Conversation._rset,
    "NOOP": Conversation._noop,
    "VRFY": Conversation._vrfy,
    "HELP": Conversation._help,
    "QUIT": Conversation._quit,
}
_NOT_OFFERED = frozenset({"EXPN", "STARTTLS", "AUTH", "BDAT", "ETRN", "TURN", "SEND", "SOML", "SAML"})
