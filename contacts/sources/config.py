"""What a data source is told: where to ask, how it pages, what its items mean. Kept as JSON, read into this."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

from common.destinations import read_url
from common.errors import InvalidInput
from contacts.importing.places import country_in_cell, language_in_cell
from contacts.importing.tag_lists import unique_tags
from contacts.models import DataSource
from contacts.sources.given import Given
from contacts.sources.mapping import read_source_mapping
from contacts.sources.presets import PRESETS

AUTH_KINDS = ("none", "bearer", "header", "basic")
PAGING_KINDS = ("none", "page", "offset", "cursor", "link")
SINCE_FORMATS = ("iso", "date", "epoch", "number")
MODES = ("update", "add")
SHORTEST_INTERVAL = timedelta(minutes=5)
LONGEST_INTERVAL = timedelta(days=31)
_OURS = ("host", "content-length", "transfer-encoding", "connection", "authorization", "accept-encoding")


@dataclass(frozen=True, slots=True)
class Auth:
    """How we say who we are. `name` is the header of kind "header", `username` that of "basic"; the secret is kept apart."""

    kind: str = "none"
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Paging:
    """How the next page is asked for. "page" and "offset" count in `page_param` and end with an empty page; "cursor"
    sends what stood at `cursor_path`; "link" follows the URL at `next_path`, or the header Link when that is empty.
    `more_path`, where given, leads to what says whether there is more."""

    kind: str = "none"
    page_param: str = ""
    size_param: str = ""
    size: int = 0
    first: int = 0
    cursor_path: str = ""
    next_path: str = ""
    more_path: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """How only what changed is asked for: `param` gets the newest mark found at `path` in items before, or the time of
    the last sync when there is no path. No param: everything each time."""

    param: str = ""
    path: str = ""
    format: str = "iso"


@dataclass(frozen=True, slots=True)
class Defaults:
    """Tags for every contact; language and country for those of whom nobody knows one."""

    tags: tuple[str, ...] = ()
    language: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """`mapping` gives, for our fields, paths in an item (or headings of a CSV file). `pause_ms` is between requests."""

    url: str
    method: Literal["GET", "POST"]
    headers: Mapping[str, str]
    auth: Auth
    paging: Paging
    items_path: str
    mapping: Mapping[str, str]
    since: Since
    defaults: Defaults
    mode: str
    pause_ms: int
    interval_minutes: int

    def as_json(self) -> dict[str, Any]:
        """The form in which it is kept and shown."""
        values = asdict(self)
        since = values.pop("since")
        values["defaults"]["tags"] = list(self.defaults.tags)
        return values | {f"since_{name}": text for name, text in since.items()}


def read_config(kind: str, raw: Mapping[str, Any]) -> SourceConfig:
    """The config of a source of this type; what is not said is taken from the type's preset.

    Raises InvalidInput with the field as `config.paging.kind`, and UrlRefused.
    """
    given = Given(_over(PRESETS.get(kind, {}), raw), "config")
    url = given.text("url", longest=2000)
    if url:
        read_url(url, field="config.url")
    interval = given.whole("interval_minutes", most=int(LONGEST_INTERVAL.total_seconds()) // 60)
    if 0 < interval < SHORTEST_INTERVAL.total_seconds() // 60:
        raise InvalidInput("Syncs are at least 5 minutes apart; 0 is only by hand.", field="config.interval_minutes")
    if kind == DataSource.Type.CSV and any(given.part("defaults").values.get(name) for name in ("language", "country")):
        raise InvalidInput("A file's contacts get tags by default, nothing else.", field="config.defaults")
    if interval and not (url and kind != DataSource.Type.MANUAL):
        raise InvalidInput("Without a URL there is nothing to sync.", field="config.interval_minutes")
    return SourceConfig(
        url=url,
        method="POST" if given.choice("method", ("GET", "POST"), "GET") == "POST" else "GET",
        headers=_headers(given),
        auth=_auth(given.part("auth")),
        paging=_paging(given.part("paging")),
        items_path=given.text("items_path", longest=200),
        mapping=read_source_mapping(given.texts("mapping"), needs_email=kind in PRESETS),
        since=_since(given),
        defaults=_defaults(given.part("defaults")),
        mode=given.choice("mode", MODES, "update"),
        pause_ms=given.whole("pause_ms", most=60_000, default=100),
        interval_minutes=interval,
    )


def _over(preset: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """The preset with what is given put over it; a part of its paging stays with paging of the same kind."""
    merged = {**preset, **raw}
    usual, paging = preset.get("paging", {}), raw.get("paging")
    if isinstance(paging, dict) and paging.get("kind") in (None, usual.get("kind")):
        merged["paging"] = {**usual, **paging, "kind": usual.get("kind")}
    return merged


_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|(?:^|[-_])(?:api-?)?key$", re.IGNORECASE)


def _headers(given: Given) -> dict[str, str]:
    headers = given.texts("headers")
    for name, text in headers.items():
        plain = name.replace("-", "").isalnum() and name.isascii() and text.isascii() and text.isprintable()
        if not plain or name.lower() in _OURS or len(name) > 100:
            raise InvalidInput("This header cannot be sent.", field=f"config.headers.{name[:40]}")
        if _SECRET_HEADER.search(name):
            # Headers are shown to whoever may read the source; what stands in `auth` is not.
            raise InvalidInput(
                "Keys and passwords do not belong into `headers`.",
                field=f"config.headers.{name[:40]}",
                hint="Give it as auth: kind header, bearer or basic.",
            )
    return headers


def _auth(given: Given) -> Auth:
    auth = Auth(
        given.choice("kind", AUTH_KINDS, "none"), given.text("name", longest=100), given.text("username", longest=200)
    )
    if auth.kind == "header" and not (auth.name.replace("-", "").isalnum() and auth.name.isascii()):
        raise InvalidInput(
            "Say which header holds the secret.", field="config.auth.name", hint="For instance X-API-Key."
        )
    if auth.kind == "header" and auth.name.lower() in ("host", "content-length", "transfer-encoding", "connection"):
        raise InvalidInput("This header cannot be sent.", field="config.auth.name")
    if auth.kind == "basic" and (":" in auth.username or not auth.username.isprintable()):
        raise InvalidInput("This user name cannot be sent.", field="config.auth.username")
    return auth


def _paging(given: Given) -> Paging:
    kind = given.choice("kind", PAGING_KINDS, "none")
    usual = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(kind, "")
    paging = Paging(
        kind=kind,
        page_param=given.text("page_param", longest=60) or usual,
        size_param=given.text("size_param", longest=60),
        size=given.whole("size", most=10_000),
        first=given.whole("first", most=1_000_000, default=1 if kind == "page" else 0),
        cursor_path=given.text("cursor_path", longest=200),
        next_path=given.text("next_path", longest=200),
        more_path=given.text("more_path", longest=200),
    )
    if kind == "cursor" and not paging.cursor_path:
        raise InvalidInput("Say where the next cursor stands in the answer.", field="config.paging.cursor_path")
    if paging.size_param and not paging.size:
        raise InvalidInput("Say how many items a page has.", field="config.paging.size")
    return paging


def _since(given: Given) -> Since:
    since = Since(
        given.text("since_param", longest=60),
        given.text("since_path", longest=200),
        given.choice("since_format", SINCE_FORMATS, "iso"),
    )
    if since.param and since.format == "number" and not since.path:
        raise InvalidInput("Say where the number stands in an item.", field="config.since_path")
    return since


def _defaults(given: Given) -> Defaults:
    language = language_in_cell(given.text("language", longest=60))
    if language is None:
        raise InvalidInput(
            "This is no language.", field="config.defaults.language", hint="Write a code like fr or pt-br."
        )
    return Defaults(
        unique_tags(given.words("tags", most=50)), language, country_in_cell(given.text("country", longest=64))
    )
