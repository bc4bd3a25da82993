"""Where a tracked link leads. Only to what stands in the message's own link table, and only to web pages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from outbound.compiler.content import Link
from outbound.compiler.links import fill_link

# Everything an absolute URL may hold (RFC 3986); what else a person wrote is percent-encoded.
_KEPT = "!#$%&'()*+,/:;=?@[]~"
_WEB = re.compile(r"https?://[^/?#\s\\@]+(?:[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrackedLink:
    """`location` is ready to be sent; it is None where the recipient's fields are needed, or the URL is none of ours."""

    link: Link
    location: bytes | None

    @property
    def needs_contact(self) -> bool:
        return bool(self.link.needs)

    def filled(self, values: Mapping[str, object]) -> bytes | None:
        """The location for one recipient; None when what came out is no web page's URL."""
        return safe_location(fill_link(self.link, values))


def links_of(table: Sequence[Mapping[str, object]]) -> tuple[TrackedLink, ...]:
    """From the stored link table of a message."""
    return tuple(_tracked(Link(str(entry["url"]), tuple(entry.get("needs") or ()))) for entry in table)  # type: ignore[arg-type]


def safe_location(url: str) -> bytes | None:
    """The URL as it may stand in a Location header: http or https, a host, ASCII, no line end. None for anything else."""
    if not _WEB.match(url) or any((ord(char) < 33 and char != " ") or ord(char) == 127 for char in url):
        return None
    return quote(url, safe=_KEPT).encode()


def _tracked(link: Link) -> TrackedLink:
    return TrackedLink(link, None if link.needs else safe_location(link.url))
