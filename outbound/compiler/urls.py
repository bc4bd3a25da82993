"""Web addresses as authors write them, and as they may stand in a redirect."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import idna

FORBIDDEN_SCHEMES = ("javascript:", "data:", "vbscript:")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_INVISIBLE = re.compile("[\x00-\x20\x7f-\xa0\u200b\ufeff]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_AUTHORITY = re.compile(r"//([^/?#]*)")
_HOST = re.compile(r"(?:[^\s:@\[\]\"<>^`{|}%*]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
_PLACEHOLDER = re.compile(r"[\[\]*|%{}<>]")
_RESERVED = "%/:?#[]@!$&'()*+,;=~-._"


class UnsafeUrl(ValueError):
    """An address that must not stand in a mail; the message is for its author."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address: `origin` is ASCII, `rest` is as written."""

    origin: str
    rest: str


def scheme_of(url: str) -> str:
    """The scheme as a browser finds it, in lower case; empty when there is none. Raises UnsafeUrl."""
    seen = _INVISIBLE.sub("", url).lower()
    if seen.startswith(FORBIDDEN_SCHEMES):
        raise UnsafeUrl(f"A link must not begin with {seen.partition(':')[0]}: — no mail program follows it.")
    found = _SCHEME.match(seen)
    return found[1] if found else ""


def web_address(url: str) -> WebAddress | None:
    """The parts of an http(s) address; None where another system's placeholder stands for the host.

    Raises UnsafeUrl for what could lead elsewhere than it seems to: a name before the host, a backslash,
    control characters, no host at all.
    """
    if _UNSAFE.search(url):
        raise UnsafeUrl("A link must not hold line breaks, tabs or backslashes.")
    scheme, _, after = url.partition(":")
    authority = _AUTHORITY.match(after)
    if authority is None or not authority[1]:
        raise UnsafeUrl("This link has no host: write https://, then the name of the site.")
    host = authority[1]
    if "@" in host:
        raise UnsafeUrl("A link must not have a name or password before its host.")
    if not _HOST.fullmatch(host):
        if _PLACEHOLDER.search(host):
            return None
        raise UnsafeUrl("The host of this link cannot be a host.")
    return WebAddress(f"{scheme.lower()}://{_ascii_host(host)}", after[authority.end() :])


def ascii_path(text: str) -> str:
    """Path, query or fragment in ASCII, as browsers send it. What is escaped already stays so."""
    return quote(text, safe=_RESERVED)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    name, colon, port = host.partition(":")
    try:
        return idna.encode(name, uts46=True).decode() + colon + port
    except idna.IDNAError:
        raise UnsafeUrl("The international name of this link's host is not valid.") from None
