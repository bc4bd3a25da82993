"""The world outside: recipients who open, click and leave, and a server that sends a mail back.

Everything comes the way it would come from elsewhere: HTTP to the host in the mail's own links, SMTP to the
address the mail was sent from.
"""

import http.client
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from common.errors import Unavailable
from embedded.demo.dsn import user_unknown
from embedded.demo.inbox import CaughtMail, Inbox
from embedded.demo.surroundings import HOST, Ports

_SECONDS = 10.0
_PROGRAMS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
)


@dataclass(frozen=True, slots=True)
class Happened:
    """What the world did, so that the report can be compared with it."""

    opened: int
    clicked: int  # recipients
    clicks: int
    unsubscribed: str
    bounced: str


def play(ports: Ports, mails: Sequence[int], *, tell: Callable[[int], None]) -> Happened:
    """Two of five recipients open, one of seven clicks, one leaves, one mail comes back.

    `tell` hears how many mails are dealt with. Raises Unavailable when a door answers otherwise than it should.
    """
    opened = clicked = clicks = 0
    unsubscribed = bounced = ""
    with Inbox(ports.inbox) as inbox, Doors(ports.web) as doors:
        for place, number in enumerate(mails):
            turn = _Turn(place)
            if turn.acts:
                mail = inbox.mail(number)
                if turn.opens:
                    doors.open(mail, place)
                    opened += 1
                if turn.clicks:
                    clicks += doors.click(mail, place)
                    clicked += 1
                if turn.leaves:
                    doors.unsubscribe(mail)
                    unsubscribed = mail.recipient
                if turn.bounces:
                    send_back(mail, ports.bounces)
                    bounced = mail.recipient
            tell(place + 1)
    return Happened(opened, clicked, clicks, unsubscribed, bounced)


class Doors:
    """The web server, reached under the names that stand in the mails."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def open(self, mail: CaughtMail, place: int) -> None:
        if not mail.pixel:
            raise Unavailable(f"The mail to {mail.recipient} has no pixel.")
        self._expect(200, "GET", mail.pixel, place)

    def click(self, mail: CaughtMail, place: int) -> int:
        """One link, or two; how many."""
        if not mail.tracked:
            raise Unavailable(f"The mail to {mail.recipient} has no tracked links.")
        first = place // 7 % len(mail.tracked)
        chosen = {mail.tracked[first], mail.tracked[0]} if place % 3 == 0 else {mail.tracked[first]}
        for link in sorted(chosen):
            self._expect(302, "GET", link, place)
        return len(chosen)

    def unsubscribe(self, mail: CaughtMail) -> None:
        """By the button of the mail program: one POST, no page (RFC 8058)."""
        if not mail.one_click:
            raise Unavailable(f"The mail to {mail.recipient} offers no one-click unsubscribe.")
        self._expect(200, "POST", mail.one_click, 0, body=b"List-Unsubscribe=One-Click")

    def _expect(self, status: int, method: str, url: str, place: int, body: bytes | None = None) -> None:
        parts = urlsplit(url)
        headers = {"Host": parts.netloc, "User-Agent": _PROGRAMS[place % len(_PROGRAMS)]}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unavailable(f"{method} {url} failed: {error}") from error
        if answer.status != status:
            raise Unavailable(f"{method} {url} was answered {answer.status}, not {status}.")


def send_back(mail: CaughtMail, port: int) -> None:
    """The receiving server's notification, to the envelope sender. Raises Unavailable."""
    report = user_unknown(
        to=mail.sender,
        recipient=mail.recipient,
        message_id=mail.headers.get("message-id", ""),
        subject="The mail that came back",
    )
    try:
        with smtplib.SMTP(HOST, port, local_hostname="mx.example.net", timeout=_SECONDS) as server:
            server.sendmail("", [mail.sender], report)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The bounce door did not take the notification: {error}") from error


class _Turn:
    """What the recipient at a place does; places are counted from 0."""

    def __init__(self, place: int) -> None:
        self.bounces = place == 3
        self.leaves = place == 5
        self.clicks = not self.bounces and place % 7 == 0
        self.opens = not self.bounces and (place % 5 < 2 or self.clicks)
        self.acts = self.opens or self.bounces or self.leaves
