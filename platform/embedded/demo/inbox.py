"""The mail catcher's JSON, read as a recipient's mail program reads its mailbox."""

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from common.errors import Unavailable
from embedded.demo.surroundings import HOST

_PAGE = 1000
_SECONDS = 10.0
_IN_BRACKETS = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One mail with what its reader may follow. Links are as they stand in it, in their order."""

    id: int
    sender: str  # of the envelope
    recipient: str
    subject: str
    headers: Mapping[str, str]
    html: str
    links: tuple[str, ...]

    @property
    def pixel(self) -> str:
        """The tracking pixel; "" without one."""
        found = re.search(r'src="(https?://[^"]+/o/[^"]+)"', self.html)
        return found[1] if found else ""

    @property
    def tracked(self) -> tuple[str, ...]:
        return tuple(link for link in self.links if "/c/" in urlsplit(link).path)

    @property
    def one_click(self) -> str:
        """The address of RFC 8058; "" without one."""
        if "One-Click" not in self.headers.get("list-unsubscribe-post", ""):
            return ""
        offered = _IN_BRACKETS.findall(self.headers.get("list-unsubscribe", ""))
        return next((link for link in offered if link.startswith("http")), "")


class Inbox:
    """One connection to the catcher. Everything raises Unavailable when it does not answer."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def newest(self) -> int:
        """The number of the last mail that was caught; 0 before the first one."""
        mails = self._get("/api/mails?limit=1")["mails"]
        return int(mails[0]["id"]) if mails else 0

    def since(self, number: int) -> list[int]:
        """The numbers of all mails after that one, oldest first."""
        found: list[int] = []
        while True:
            page = [int(mail["id"]) for mail in self._get(f"/api/mails?limit={_PAGE}&offset={len(found)}")["mails"]]
            later = [one for one in page if one > number]
            found += later
            if len(later) < _PAGE:
                return sorted(found)

    def mail(self, number: int) -> CaughtMail:
        given = self._get(f"/api/mails/{number}")
        return CaughtMail(
            id=given["id"],
            sender=given["sender"],
            recipient=given["recipients"][0],
            subject=given["subject"],
            headers={name.lower(): value for name, value in reversed(given["headers"])},
            html=given["html"] or "",
            links=tuple(given["links"]),
        )

    def _get(self, path: str) -> Any:
        try:
            self._connection.request("GET", path)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unavailable(f"The mail catcher does not answer: {error}") from error
        if response.status != 200:
            raise Unavailable(f"The mail catcher answers {response.status} to {path}.")
        return json.loads(body)
