"""The catcher's web pages, from the templates beside this file."""

import time
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from embedded.catcher import wording
from embedded.catcher.headers import first
from embedded.catcher.links import can_be_opened, links_of
from embedded.catcher.mime import ParsedMail
from embedded.catcher.store import CaughtMail, Query

_FOLDER = Path(__file__).parent
_SOURCE_SHOWN = 500_000  # octets
STATIC = {
    "style.css": ("text/css; charset=utf-8", (_FOLDER / "static" / "style.css").read_bytes()),
    "inbox.js": ("text/javascript; charset=utf-8", (_FOLDER / "static" / "inbox.js").read_bytes()),
    "icon.svg": ("image/svg+xml", (_FOLDER / "static" / "icon.svg").read_bytes()),
}
VIEWS = ("html", "text", "links", "headers", "source")

_environment = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    {
        "shown": wording.shown,
        "shown_text": wording.shown_text,
        "size": wording.size,
        "moment": wording.moment,
        "when": wording.when,
        "name": wording.name,
        "initial": wording.initial,
        "hue": wording.hue,
        "can_be_opened": can_be_opened,
        "ago": lambda seconds: wording.ago(seconds, time.time()),
    }
)


def inbox(mails: list[CaughtMail], *, query: Query, total: int, page: int, page_size: int) -> str:
    """`page` counts from 0."""
    return _environment.get_template("inbox.html").render(
        mails=mails,
        query=query,
        total=total,
        page=page,
        first=page * page_size + 1,
        last=page * page_size + len(mails),
        has_next=(page + 1) * page_size < total,
    )


def mail(
    caught: CaughtMail,
    raw: bytes,
    parsed: ParsedMail,
    *,
    view: str,
    pictures: bool,
    narrow: bool,
    neighbours: tuple[int | None, int | None],
) -> str:
    """One mail in one of the VIEWS; `pictures` loads those of other servers, `narrow` is a phone's width."""
    return _environment.get_template("mail.html").render(
        mail=caught,
        parsed=parsed,
        views=[name for name in VIEWS if _has(parsed, name)],
        view=view if _has(parsed, view) else "headers",
        pictures=pictures,
        narrow=narrow,
        newer=neighbours[0],
        older=neighbours[1],
        links=links_of(parsed),
        date=first(parsed.fields, "Date"),
        reply_to=first(parsed.fields, "Reply-To"),
        source=raw[:_SOURCE_SHOWN].decode("utf-8", "replace") if view == "source" else "",
        source_is_cut=len(raw) > _SOURCE_SHOWN,
    )


def problem(status: int, sentence: str) -> str:
    return _environment.get_template("problem.html").render(status=status, sentence=sentence)


def first_view(parsed: ParsedMail) -> str:
    """What a mail is opened with."""
    return next(name for name in VIEWS if _has(parsed, name))


def _has(parsed: ParsedMail, view: str) -> bool:
    if view in {"html", "text"}:
        return getattr(parsed, view) is not None
    return view in VIEWS
