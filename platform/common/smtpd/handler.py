"""The seam between the protocol and those who use it: what a handler is asked and told."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from common.smtpd.replies import Reply


@dataclass(slots=True)
class Session:
    """One connection. `identity` is whatever a handler wants to remember about who it is."""

    peer: str  # IP address
    peer_port: int
    helo: str = ""
    extended: bool = False  # greeted with EHLO
    secure: bool = False
    identity: object = None


@dataclass(frozen=True, slots=True)
class MailOptions:
    """The parameters of MAIL: the size that was announced, in octets, and the kind of content."""

    size: int | None = None
    eight_bit: bool = False
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as it arrived: "" is the null sender; every line of `content` ends with CRLF."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    helo: str
    peer: str
    options: MailOptions = MailOptions()


# None accepts. What is not ready yet may be awaited; the connection is not read meanwhile.
Verdict = Reply | None | Awaitable[Reply | None]


class Handler(Protocol):
    """Decides and delivers. An exception in any of these is logged and answered with 451."""

    def accept_sender(self, session: Session, address: str, options: MailOptions) -> Verdict:
        """`address` is "" for the null sender, otherwise well-formed. A reply refuses it."""

    def accept_recipient(self, session: Session, address: str) -> Verdict:
        """`address` is well-formed, or the word postmaster without a domain. A reply refuses it."""

    def deliver(self, session: Session, envelope: Envelope) -> Reply | Awaitable[Reply]:
        """With its 250 the message has become ours: answer that only when it is safely stored."""
