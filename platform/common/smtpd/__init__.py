"""A receiving SMTP server (RFC 5321) on asyncio: the protocol is here, what to accept is the handler's.

Offered: SIZE (1870), 8BITMIME (6152), PIPELINING (2920), ENHANCEDSTATUSCODES (2034), SMTPUTF8 (6531).
A message ends only at CRLF . CRLF. Bare CR, bare LF and NUL are refused, never repaired: two servers
that repair them differently can be made to see different messages in the same bytes.
"""

from common.smtpd.handler import Envelope, Handler, MailOptions, Session, Verdict
from common.smtpd.replies import Reply
from common.smtpd.server import SmtpServer
from common.smtpd.settings import SmtpdSettings

__all__ = [
    "Envelope",
    "Handler",
    "MailOptions",
    "Reply",
    "Session",
    "SmtpServer",
    "SmtpdSettings",
    "Verdict",
]
