"""Where requests to the outside may go: URLs that a tenant gave, and the addresses their names stand for.

A name may lead into our own network, so what counts are the addresses it has when we connect. Blocked ports
are those of https://fetch.spec.whatwg.org/#port-blocking and of databases.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from common.errors import InvalidInput, Unavailable

Resolve = Callable[[str, float], list[str]]
"""From a host name and seconds to its IP addresses. Raises NoAnswer."""

LONGEST_URL = 2000


class UrlRefused(InvalidInput):
    """Nothing is requested from such a URL."""

    code = "url_refused"


class NoAnswer(Unavailable):
    """The other server could not be reached, was too slow, or broke off."""

    code = "no_answer"


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked URL in its parts. `host` is a name in ASCII or an address without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def read_url(url: str, *, field: str = "url") -> Destination:
    """The parts of a URL. Raises UrlRefused for anything but http and https, for a user or password in it, for
    hosts that are numbers in disguise, and for ports of mail and databases."""
    if len(url) > LONGEST_URL or _FORBIDDEN.search(url):
        raise UrlRefused("The URL is too long, or has a character that no URL has.", field=field)
    if not url.lower().startswith(("http://", "https://")):
        raise UrlRefused("The URL must begin with http:// or https://.", field=field)
    try:
        parts = parse_url(url)
    except (LocationParseError, ValueError, UnicodeError):
        raise UrlRefused("This is not a URL.", field=field) from None
    if parts.auth is not None:
        raise UrlRefused("The URL may not hold a user or password.", field=field, hint="Give them as authentication.")
    host = (parts.host or "").strip("[]").rstrip(".").lower()
    scheme = parts.scheme or ""
    port = parts.port if parts.port is not None else (443 if scheme == "https" else 80)
    if not _is_host(host):
        raise UrlRefused("The URL's host is neither a name nor an address.", field=field)
    if not 0 < port < 65536 or port in _BLOCKED_PORTS:
        raise UrlRefused(f"Port {port} is not one of web servers.", field=field)
    return Destination(scheme, host, port, parts.request_uri)


def addresses_of(destination: Destination, *, seconds: float, allow_private: bool, resolve: Resolve) -> list[str]:
    """The addresses to connect to: resolved once, every one of them checked. Raises UrlRefused when one of them is
    not public, NoAnswer when there is none."""
    literal = _as_address(destination.host)
    found = [str(literal)] if literal else resolve(destination.host, seconds)
    if not found:
        raise NoAnswer(f"{destination.host} has no address.")
    if not allow_private and not all(is_public(address) for address in found):
        raise UrlRefused(
            f"{destination.host} leads to an address that is not public.",
            field="url",
            hint="The operator can allow private addresses with OUTGOING_ALLOW_PRIVATE.",
        )
    return found


def is_public(text: str) -> bool:
    """Whether everybody on the internet reaches the same machine there, also through whatever IPv4 address is
    wrapped in it (RFC 4291, 3056, 6052, 5214)."""
    address = _as_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address is None:
        return False
    wrapped = _wrapped_ipv4(address)
    if address in _NAT64 or address.ipv4_mapped is not None:
        return wrapped is not None and is_public(str(wrapped))
    if address not in _UNICAST or address.teredo is not None or any(address in net for net in _NOT_GLOBAL):
        return False
    return address.is_global and (wrapped is None or is_public(str(wrapped)))


def look_up(host: str, seconds: float) -> list[str]:
    """The addresses of a name as this machine knows them (hosts file, DNS), in the order of RFC 6724. Raises NoAnswer."""
    found: list[str] = []
    faults: list[OSError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            faults.append(OSError(str(error)))
        else:
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    # The system's resolver takes no time limit: the thread is left behind, and ends with the resolver's own.
    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(seconds)
    if faults or not found:
        raise NoAnswer(f"The name {host} could not be resolved.")
    return found


_FORBIDDEN = re.compile("[\x00-\x20\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL = tuple(map(ipaddress.IPv6Network, ("2001:db8::/32", "3fff::/20", "2001::/23")))
_ISATAP = (0x00005EFE, 0x02005EFE)
_BLOCKED = (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 "
    "135 137 139 143 161 179 389 427 445 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 "
    "990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080 "
    "1433 1521 2375 2376 2379 2380 2525 3306 5432 5433 5672 6379 6380 6432 9042 11211 26379 27017"
)
_BLOCKED_PORTS = frozenset(map(int, _BLOCKED.split()))


def _as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    """A name by RFC 1123 (and underscores, which some have), or an address in its usual spelling. `2130706433` and
    `0x7f.1` are neither: resolvers read them as addresses."""
    if "%" in host:
        return False
    if _as_address(host):
        return True
    labels = host.split(".")
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def _wrapped_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    if address in _NAT64 or address.ipv4_mapped is not None or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return low
    return None
