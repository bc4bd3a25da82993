"""What people see of a message: its page and its text, literal. No braces in them mean anything.

The machinery of campaigns does the work; what it does for template tags finds none here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from common.errors import InvalidInput
from outbound.compiler import Link, marks
from outbound.compiler.links import MOST_LINKS, LinkTable, rewrite_text
from outbound.compiler.page import edit_page, pixel_tag
from outbound.compiler.protect import Protected
from outbound.compiler.scan import Scanned
from outbound.compiler.urls import UnsafeUrl, ascii_path, scheme_of, web_address
from outbound.mime.printable import cleaned

LARGEST_PAGE = 256 * 1024  # characters. No mailbox shows so much; a larger page is sent, but not looked into


@dataclass(frozen=True, slots=True)
class Pages:
    """Both versions, clean and with LF line ends; "" where there is none. In tracked ones the token is a mark."""

    html: str
    text: str
    links: tuple[Link, ...] = ()


def pages_of(html: str, text: str, *, base: str, opens: bool, clicks: bool) -> Pages:
    """The page and its text, which is made from the page where none was given.

    `base` is the origin of tracked links, needed with `opens` or `clicks`; InvalidInput when it is none. A link that
    cannot be tracked safely, or is beyond the thousandth, stays what it is.
    """
    if (opens or clicks) and _BASE.fullmatch(base) is None:
        raise InvalidInput(f"The tracking address {base} cannot be used.", field="tracking_base")
    page, plain = cleaned(html), cleaned(text)
    page, plain = page if page.strip() else "", plain if plain.strip() else ""
    if not (opens or clicks):
        return Pages(page, plain or text_of_html(page))
    table = _Links(base.rstrip("/"), clicks=clicks)
    made = ""
    if page and is_readable(page):
        page, made = _looked_through(page, table, pixel=pixel_tag(base.rstrip("/")) if opens else "")
    if clicks and len(plain) <= LARGEST_PAGE and not _ENDLESS_END.search(plain):
        plain = rewrite_text(Protected(Scanned("text", plain, ())), table)
    return Pages(page, plain or made, tuple(table.links))


def text_of_html(html: str) -> str:
    """A page as plain text, links behind their words in brackets; "" where there is nothing to read, or too much."""
    if not html or not is_readable(html):
        return ""
    return (_kept_text if len(html) <= _LONGEST_KEPT else _text)(html)


def is_readable(html: str) -> bool:
    """Whether a text can be made from the page in little time and memory: lists in lists indent every item by their
    number."""
    if len(html) > LARGEST_PAGE:
        return False
    lists = sum(1 for _ in _LIST.finditer(html))
    return lists < _FEW_LISTS or lists * sum(1 for _ in _ITEM.finditer(html)) <= _MOST_INDENTED


_BASE = re.compile(r"https?://[a-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
# How the text version of a template writes a brace that is meant as one.
_BRACE = '{{ "{" }}'


# What could end a sentence and so belongs to no address: looked at from the end, sign by sign.
_ENDLESS_END = re.compile(r"[.,;:!?')\]]{200}")
_LIST, _ITEM = re.compile(r"<[uo]l", re.IGNORECASE), re.compile(r"<li", re.IGNORECASE)
_FEW_LISTS, _MOST_INDENTED = 50, 1_000_000
_LONGEST_KEPT = 32_000  # characters


def _text(html: str) -> str:
    return _looked_through(html, _Links("", clicks=False), pixel="")[1]


_kept_text = lru_cache(maxsize=256)(_text)  # programs send one page to many, one by one, and to some again


def _looked_through(page: str, table: LinkTable, *, pixel: str) -> tuple[str, str]:
    edited = edit_page(Scanned("html", page, ()), table, preheader="", pixel=pixel)
    return edited.html, edited.text.replace(_BRACE, "{") if edited.text.strip() else ""


class _Links(LinkTable):
    """The table of a literal message: nothing is refused, nothing is warned of, and nothing is known only later."""

    def __init__(self, base: str, *, clicks: bool) -> None:
        super().__init__(base, local=set(), tracking=clicks)
        self._origin = base
        self._clicks = clicks

    def target(self, source: Protected, url: str, start: int, end: int) -> str | None:
        if not self._clicks or len(self.links) >= MOST_LINKS:
            return None
        try:
            address = web_address(url) if scheme_of(url) in ("http", "https") else None
        except UnsafeUrl:
            return None
        if address is None:
            return None
        self.links.append(Link(address.origin + ascii_path(address.rest)))
        return f"{self._origin}/c/{marks.TOKEN}/{len(self.links) - 1}"
