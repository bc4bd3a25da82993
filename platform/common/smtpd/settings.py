"""What an SMTP server calls itself and what it bears."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SmtpdSettings:
    """Sizes in octets, times in seconds.

    `timeout` is how long a whole command, or the next piece of a message, may take to arrive, and how
    long a delivery may take; `message_timeout` bounds the arrival of one message. RFC 5321 section
    4.5.3.1.6 ends a text line after 1,000 octets with its CRLF; `max_text_line` bears with senders that
    count wrongly, up to twice as much.
    """

    hostname: str
    size_limit: int = 26_214_400
    max_recipients: int = 1000
    timeout: float = 300.0
    message_timeout: float = 1800.0
    max_connections: int = 1000
    max_connections_per_peer: int | None = None
    max_errors: int = 20
    max_command_line: int = 2048
    max_text_line: int = 2000
    max_buffered: int = 536_870_912  # all messages that are arriving or being delivered, together
    banner: str = "ESMTP"
