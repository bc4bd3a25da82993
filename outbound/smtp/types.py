"""What the SMTP client and its owner say to each other: accounts, messages, replies, the pump.

Nothing here touches a socket, a database or Django.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

from common.errors import InvalidInput, Unavailable

TlsMode = Literal["none", "starttls", "implicit"]
Stage = Literal["connect", "mail", "rcpt", "data", "body"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Patience in seconds, by default that of RFC 5321 section 4.5.3.2, which names none for `connect`."""

    connect: float = 30  # the TCP connection, and the TLS handshake
    greeting: float = 300
    command: float = 300  # each command before the body
    body: float = 600  # from handing the body over until its reply
    idle: float = 60  # without work for so long, a connection says QUIT


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Where and as whom mail is handed in. InvalidInput if a value cannot be used.

    `window` is how many messages may be under way on one connection of a server that offers CHUNKING, once
    it has proved good; `first_window` is how many at first. With BDAT a body is written without waiting for
    the reply to RCPT, so a connection that breaks leaves that many messages in doubt, where DATA leaves
    one: more is faster, above all over a distance, and costs more doubt for each accident. See
    `window.Window`. 0 means never to use BDAT.
    """

    host: str
    port: int
    tls: TlsMode = "starttls"
    username: str = ""
    password: str = field(repr=False, default="")
    connections: int = 8
    verify: bool = True
    ca_file: str | None = None
    helo_name: str = "localhost"
    timeouts: Timeouts = Timeouts()
    messages_per_connection: int = 0  # 0: no limit
    window: int = 16
    first_window: int = 4

    def __post_init__(self) -> None:
        if not self.host or not 0 < self.port < 65536:
            raise InvalidInput("An SMTP account needs a host and a port from 1 to 65535.", field="host")
        if self.tls not in ("none", "starttls", "implicit"):
            raise InvalidInput("The encryption must be none, starttls or implicit.", field="tls")
        if not re.fullmatch(r"[!-~]+", self.helo_name):
            raise InvalidInput("The name given in EHLO must be a host name.", field="helo_name")
        if (
            self.connections < 1
            or self.messages_per_connection < 0
            or not 0 <= self.window <= 1000
            or self.first_window < 1
        ):
            raise InvalidInput("The limits of an SMTP account are out of range.", field="connections")


@dataclass(slots=True, eq=False)
class Outgoing:
    """One message to one recipient.

    `sender` and `recipient` are bare addresses, b"" as sender for <>. The caller promises that `body`
    is a complete message with CRLF line ends, the last line included, and that no line begins with a
    dot, so that it travels by DATA and by BDAT as it is. `seven_bit`: the caller knows that the body is
    ASCII, which saves looking at every byte.
    """

    cookie: int
    sender: bytes
    recipient: bytes
    body: bytes
    smtputf8: bool = False
    seven_bit: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The last word on one message. `text` has no codes and no control characters, and at most 500 letters."""

    code: int
    enhanced: str  # RFC 3463, for example "5.1.1"; "" when the server gave none
    text: str
    stage: Stage


class SmtpDown(Unavailable):
    """The provider cannot be used just now; the message says why in words for people.

    `permanent` means that waiting will not help: a password, a certificate or a setting must be changed.
    """

    code = "smtp_down"

    def __init__(self, message: str, *, permanent: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.permanent = permanent
        self.temporary = not permanent


class Pump(Protocol):
    """The owner's side. Called on the event loop only; every call must be short and must not wait.

    Each message taken ends in exactly one of accepted, replied, returned and in_doubt. None of these
    calls may call `drain` or `abort` of the pool; `wake` is always allowed.
    """

    def next_message(self) -> Outgoing | None:
        """The message to write now. None: nothing just now, ask again after `SmtpPool.wake()`."""

    def handed_over(self, cookie: int) -> None:
        """The very next step writes this message's body. A reply that is lost from here on means doubt."""

    def accepted(self, cookie: int, line: bytes) -> None:
        """The server took it. `line` is the raw last line of its 2xx, without the end; see `reply_text`."""

    def replied(self, cookie: int, reply: Reply) -> None:
        """The server, or this client in its place, refused the message: 4xx or 5xx."""

    def returned(self, cookie: int, reason: str) -> None:
        """The body was never written: give the message to somebody else."""

    def in_doubt(self, cookie: int, reason: str) -> None:
        """The body was handed over and no reply came: nobody knows whether the server took it."""

    def provider_down(self, error: SmtpDown) -> None:
        """No connection can be had. Repeated for every failed attempt."""

    def provider_up(self) -> None:
        """The first connection is there, or the first one after `provider_down`."""
