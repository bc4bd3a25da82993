"""SMTP replies with enhanced status codes (RFC 5321 section 4.2, RFC 3463, RFC 2034)."""

import re
from dataclasses import dataclass, field

_UNSAFE = re.compile(r"[^\x20-\x7e]")
_LONGEST_TEXT = 480  # octets; a reply line has at most 512 (RFC 5321 section 4.5.3.1.5)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. A line feed in `text` starts its next line; whatever else is not plain ASCII becomes `?`.

    `enhanced` is "" for the replies that carry none (greeting, HELO, EHLO, 354). `closes` ends the
    connection after it.
    """

    code: int
    enhanced: str
    text: str
    closes: bool = False
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", _encode(self.code, self.enhanced, self.text))

    @property
    def accepted(self) -> bool:
        return self.code < 400


def _encode(code: int, enhanced: str, text: str) -> bytes:
    start = f"{enhanced} " if enhanced else ""
    lines = [f"{start}{_UNSAFE.sub('?', line)[:_LONGEST_TEXT]}".encode() for line in text.split("\n")]
    last = len(lines) - 1
    return b"".join(b"%d%s%s\r\n" % (code, b" " if n == last else b"-", line) for n, line in enumerate(lines))


OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
START_INPUT = Reply(354, "", "End the message with <CRLF>.<CRLF>")
BYE = Reply(221, "2.0.0", "Goodbye", closes=True)
CANNOT_VERIFY = Reply(252, "2.0.0", "Not verified here; send the message to find out")

SHUTTING_DOWN = Reply(421, "4.3.2", "The server is being stopped, try again soon", closes=True)
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "Too many connections, try again later", closes=True)
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors", closes=True)
TIMED_OUT = Reply(421, "4.4.2", "Waited too long for input", closes=True)
LOCAL_ERROR = Reply(451, "4.3.0", "Local error, try again later")
DELIVERY_TIMED_OUT = Reply(451, "4.4.5", "The message could not be stored in time, try again later")
NO_MEMORY = Reply(452, "4.3.1", "Too much mail is arriving at the same time, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")

UNKNOWN_COMMAND = Reply(500, "5.5.1", "Unknown command")
LINE_TOO_LONG = Reply(500, "5.5.2", "The command line is too long")
BAD_CHARACTER = Reply(500, "5.5.2", "A command must be UTF-8 without control characters")
BARE_LINE_END = Reply(500, "5.5.2", "Lines end with CRLF; a bare CR or LF is not allowed", closes=True)
NO_ARGUMENT_ALLOWED = Reply(501, "5.5.4", "This command takes no argument")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "This command is not offered here")
NEEDS_HELLO = Reply(503, "5.5.1", "Say EHLO or HELO first")
NEEDS_MAIL = Reply(503, "5.5.1", "Give a sender with MAIL first")
NEEDS_RECIPIENT = Reply(503, "5.5.1", "Give a recipient with RCPT first")
SENDER_TWICE = Reply(503, "5.5.1", "A sender was given already")
NO_VALID_RECIPIENT = Reply(554, "5.5.1", "No recipient has been accepted")
TOO_EARLY = Reply(554, "5.5.0", "Wait for the reply to DATA before sending the message", closes=True)
TOO_LARGE = Reply(552, "5.3.4", "The message is too large")
TOO_LARGE_BY_FAR = Reply(552, "5.3.4", "The message is too large", closes=True)
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "An international address needs SMTPUTF8")
BAD_CONTENT = Reply(554, "5.6.0", "The message has a bare CR, a bare LF or a NUL in it")
TEXT_LINE_TOO_LONG = Reply(554, "5.6.0", "A line of the message is too long")
