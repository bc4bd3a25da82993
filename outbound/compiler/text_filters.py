"""Filters that make text of a value."""

import re
from urllib.parse import quote

from jinja2 import filters as jinja
from markupsafe import Markup, escape

from outbound.compiler.values import LONGEST_TEXT, is_missing, shown, text_of, whole_number


def default(value: object, default_value: object = "", boolean: object = False) -> object:
    """Also for an empty text, and with `true` for anything that counts as false."""
    return default_value if is_missing(value) or (boolean and not value) else value


def upper(value: object) -> str:
    return text_of(value).upper()


def lower(value: object) -> str:
    return text_of(value).lower()


def title(value: object) -> str:
    return jinja.do_title(text_of(value))


def capitalize(value: object) -> str:
    return text_of(value).capitalize()


def trim(value: object) -> str:
    return text_of(value).strip()


def truncate(value: object, length: object = 255, killwords: object = False, end: object = "...") -> str:
    """At most `length` characters, `end` included, broken between words where there are some."""
    text, ending, most = text_of(value), text_of(end), max(whole_number(length, 255), 0)
    if len(text) <= most:
        return text
    cut = text[: max(most - len(ending), 0)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + ending


def escape_html(value: object) -> Markup:
    return escape(shown(value))


def replace(value: object, old: object, new: object = "") -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    if not before or text.count(before) * len(after) > LONGEST_TEXT:
        return text
    return text.replace(before, after)


def urlencode(value: object) -> str:
    return quote(text_of(value).encode("utf-8", "replace"), safe="")


def safe_target(value: object) -> str:
    """A link target out of a contact's data: web, mail and telephone only, else nothing to follow."""
    target = text_of(value).strip()
    scheme = _SCHEME.match(_INVISIBLE.sub("", target))
    return target if scheme is None or scheme[1].lower() in _TARGETS else "#"


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_INVISIBLE = re.compile("[\x00-\x20\x7f]")  # browsers leave these out when they look for the scheme
_TARGETS = frozenset({"http", "https", "mailto", "tel", "sms"})
