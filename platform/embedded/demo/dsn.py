"""A delivery status notification, as a receiving server sends it back (RFC 3461, RFC 3464)."""

from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

_SERVER = "mx.example.net"
_BOUNDARY = "=_report_of_mx.example.net"


def user_unknown(*, to: str, recipient: str, message_id: str, subject: str) -> bytes:
    """What the server of `recipient` says to the envelope sender `to`: nobody has that mailbox."""
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{_SERVER}>",
        f"To: <{to}>",
        "Subject: Undeliverable mail",
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: {make_msgid(domain=_SERVER)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{_BOUNDARY}"',
        "",
        f"--{_BOUNDARY}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"The message to <{recipient}> could not be delivered: there is no such mailbox.",
        "",
        f"--{_BOUNDARY}",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {_SERVER}",
        f"Arrival-Date: {format_datetime(datetime.now(UTC))}",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        "Action: failed",
        "Status: 5.1.1",
        f"Remote-MTA: dns; {_SERVER}",
        f"Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: no such mailbox here",
        "",
        f"--{_BOUNDARY}",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {message_id}",
        f"Subject: {subject}",
        "",
        f"--{_BOUNDARY}--",
        "",
    ]
    return "\r\n".join(lines).encode()
