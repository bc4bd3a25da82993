"""From one page to the next. A position is what comes next, small enough to be kept with the run: {} is the beginning."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from common.destinations import read_url
from contacts.sources.config import SourceConfig
from contacts.sources.faults import SourceFault
from contacts.sources.mapping import at_path
from contacts.sources.marks import mark_to_send

Position = dict[str, Any]
_LONGEST_CURSOR = 8000
_MOST_EMPTY = 50
_NEXT_LINK = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """Without what says who we are."""

    method: str
    url: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Page:
    """`document` is the whole answer, `items` what stands at the config's path in it."""

    items: list[Any]
    document: Any
    headers: Mapping[str, str]


def request_for(config: SourceConfig, position: Position, since: str) -> Request:
    """How the page at a position is asked for; `since` is the mark before it, or ""."""
    paging = config.paging
    if paging.kind == "link" and "url" in position:
        return Request(config.method, position["url"], b"{}" if config.method == "POST" else None)
    wanted: dict[str, str] = {}
    if paging.size_param:
        wanted[paging.size_param] = str(paging.size)
    if paging.kind in ("page", "offset"):
        wanted[paging.page_param] = str(position.get("number", paging.first))
    if paging.kind == "cursor" and "cursor" in position:
        wanted[paging.page_param] = position["cursor"]
    if since and config.since.param:
        wanted[config.since.param] = mark_to_send(config.since, since)
    if config.method == "POST":
        return Request("POST", config.url, json.dumps(wanted).encode())
    return Request("GET", _with_query(config.url, wanted), None)


def next_position(config: SourceConfig, position: Position, page: Page) -> Position | None:
    """What follows a page; None when it was the last one. Raises SourceFault when the source leads in a circle or
    somewhere else."""
    paging = config.paging
    if paging.kind == "none" or _ended(paging.more_path, page):
        return None
    digest = _digest(page.items)
    empty = 0 if page.items else int(position.get("empty", 0)) + 1
    if empty > _MOST_EMPTY:
        raise SourceFault(f"The source gave {empty} empty pages in a row and says that there is more.")
    if page.items and digest == position.get("digest"):
        raise SourceFault(
            "The source gave the same page twice, so it would never end.",
            hint="Check the paging: does it know the parameter, does it say where it ends (more_path)?",
        )
    if paging.kind in ("page", "offset"):
        if not page.items:
            return None
        step = 1 if paging.kind == "page" else len(page.items)
        return {"number": position.get("number", paging.first) + step, "digest": digest}
    if paging.kind == "cursor":
        cursor = _cursor(at_path(page.document, paging.cursor_path))
        return _moved(position, {"cursor": cursor, "digest": digest, "empty": empty}, "cursor") if cursor else None
    url = _next_url(config, position, page)
    return _moved(position, {"url": url, "digest": digest, "empty": empty}, "url") if url else None


def step_of(position: Position) -> str:
    """What two positions have in common when they ask for the same page."""
    return str(position.get("number", position.get("cursor", position.get("url", ""))))


def _with_query(url: str, wanted: Mapping[str, str]) -> str:
    """What the URL says already stays, unless it is about the same parameters."""
    if not wanted:
        return url
    parts = urlsplit(url)
    kept = [(name, text) for name, text in parse_qsl(parts.query, keep_blank_values=True) if name not in wanted]
    return urlunsplit(parts._replace(query=urlencode([*kept, *wanted.items()])))


def _ended(more_path: str, page: Page) -> bool:
    return bool(more_path) and at_path(page.document, more_path) in (None, False, 0, "", "false", "0")


def _cursor(value: Any) -> str:
    if value is None or value == "" or isinstance(value, bool):
        return ""
    if not isinstance(value, str | int) or len(str(value)) > _LONGEST_CURSOR or "\0" in str(value):
        raise SourceFault("The next cursor is neither text nor a number.")
    return str(value)


def _next_url(config: SourceConfig, position: Position, page: Page) -> str:
    if config.paging.next_path:
        value = at_path(page.document, config.paging.next_path)
    else:
        found = _NEXT_LINK.search(page.headers.get("link", ""))
        value = found[1] if found else None
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise SourceFault("The link to the next page is not text.")
    url: str = urljoin(str(position.get("url", config.url)), value)
    if read_url(url).origin != read_url(config.url).origin:
        raise SourceFault(
            "The link to the next page leads to another host.", hint="Its credentials would go there; use its own URL."
        )
    return url


def _moved(position: Position, following: Position, name: str) -> Position:
    if following[name] == position.get(name):
        raise SourceFault("The source leads in a circle: the next page is the one that was just read.")
    return following


def _digest(items: list[Any]) -> str:
    return hashlib.blake2b(json.dumps(items, sort_keys=True).encode("utf-8", "replace"), digest_size=16).hexdigest()
