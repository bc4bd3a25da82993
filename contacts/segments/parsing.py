"""From JSON to a tree. What is not understood is refused: a condition passed over would reach the wrong people."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from common.errors import InvalidInput
from contacts.segments.tree import (
    All,
    Any,
    Attribute,
    Comparison,
    Deed,
    Did,
    Field,
    FieldName,
    Leaf,
    Node,
    Not,
    Scalar,
    Tagged,
    Value,
)

DEEPEST = 10  # groups within groups
MOST_LEAVES = 100
MOST_VALUES = 100  # of one `in`
LONGEST_TEXT = 1_000
MOST_DAYS = 36_500
_LARGEST_ID = 2**63 - 1
_LARGEST_NUMBER = 10**100
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUBJECTS = ("all", "any", "not", "tag", "attribute", "field", *Deed)
_ABOUT_DEEDS = ("campaign_id", "within_days", "link")
_T = TypeVar("_T")


def parse_tree(given: object, *, place: str = "") -> Node:
    """Raises InvalidInput whose field is the place of the fault (`all.1.attribute`), below `place`."""
    return _Parser().node(given, place, depth=0)


class _Parser:
    def __init__(self) -> None:
        self._leaves = 0

    def node(self, given: object, place: str, *, depth: int) -> Node:
        parts = _mapping(given, place)
        subject = _subject(parts, place)
        if subject not in ("all", "any", "not"):
            return self._leaf(subject, parts, place)
        if depth >= DEEPEST:
            raise InvalidInput(f"Conditions can be nested {DEEPEST} deep.", field=place or subject)
        _refuse_others(parts, {subject}, place)
        inside = _below(place, subject)
        if subject == "not":
            return Not(self.node(parts["not"], inside, depth=depth + 1))
        listed = parts[subject]
        if not isinstance(listed, list):
            raise InvalidInput("This must be a list of conditions.", field=inside)
        if not listed and (subject == "any" or depth):
            raise InvalidInput("There is no condition in it.", field=inside)
        made = tuple(self.node(one, _below(inside, str(n)), depth=depth + 1) for n, one in enumerate(listed))
        return All(made) if subject == "all" else Any(made)

    def _leaf(self, subject: str, parts: Mapping[str, object], place: str) -> Leaf:
        self._leaves += 1
        if self._leaves > MOST_LEAVES:
            raise InvalidInput(f"There can be {MOST_LEAVES} conditions.", field=_below(place, subject))
        if subject in tuple(Deed):
            _refuse_others(parts, {subject}, place)
            return _did(Deed(subject), parts[subject], place)
        name = _text(parts[subject], _below(place, subject))
        if subject == "tag":
            _refuse_others(parts, {subject}, place)
            return Tagged(name, place)
        comparison, value = _compared(parts, subject, place)
        if subject == "attribute":
            return Attribute(name, comparison, value, place)
        if name not in tuple(FieldName):
            hint = _alike(name, FieldName) or f"Fields: {', '.join(FieldName)}."
            raise InvalidInput(f"Contacts have no field {name!r}.", field=_below(place, "field"), hint=hint)
        return Field(FieldName(name), comparison, value, place)


def _subject(parts: Mapping[str, object], place: str) -> str:
    found = [word for word in _SUBJECTS if word in parts]
    if len(found) == 1:
        return str(found[0])
    if found:
        message = f"A condition is about one thing, not about {' and '.join(found)}."
        raise InvalidInput(message, field=place or found[1], hint='Put them into {"all": [...]}.')
    hint = f"It has one of: {', '.join(_SUBJECTS)}."
    raise InvalidInput("This is no condition.", field=place or None, hint=hint)


def _compared(parts: Mapping[str, object], subject: str, place: str) -> tuple[Comparison, Value]:
    found = [word for word in Comparison if word in parts]
    _refuse_others(parts, {subject, *Comparison}, place)
    if len(found) != 1:
        message = f"A condition compares once, not with {' and '.join(found)}." if found else "Nothing is compared."
        hint = f"It has one of: {', '.join(Comparison)}."
        raise InvalidInput(message, field=_below(place, found[1] if found else subject), hint=hint)
    return found[0], _value(parts[found[0]], _below(place, found[0]))


def _did(deed: Deed, given: object, place: str) -> Did:
    inside = _below(place, deed)
    parts = _mapping({} if given is None else given, inside)
    _refuse_others(parts, set(_ABOUT_DEEDS), inside)
    campaign_id = _number(parts.get("campaign_id"), _below(inside, "campaign_id"), most=_LARGEST_ID)
    days = _number(parts.get("within_days"), _below(inside, "within_days"), most=MOST_DAYS)
    link = parts.get("link")
    if link is not None and deed is not Deed.CLICKED:
        raise InvalidInput("Only a click is on a link.", field=_below(inside, "link"))
    return Did(deed, campaign_id, days, _text(link, _below(inside, "link")) if link is not None else "", place)


def _value(given: object, place: str) -> Value:
    if not isinstance(given, list):
        return _scalar(given, place)
    if not 1 <= len(given) <= MOST_VALUES:
        raise InvalidInput(f"There can be 1 to {MOST_VALUES} values.", field=place)
    return tuple(_scalar(one, _below(place, str(number))) for number, one in enumerate(given))


def _scalar(given: object, place: str) -> Scalar:
    if isinstance(given, str):
        return _text(given, place)
    if isinstance(given, bool):
        return given
    # NaN is neither smaller nor larger than anything.
    if isinstance(given, int | float) and -_LARGEST_NUMBER <= given <= _LARGEST_NUMBER:
        return given
    raise InvalidInput("This must be text, a number, or true or false.", field=place)


def _text(given: object, place: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidInput("This must be text.", field=place)
    if len(given) > LONGEST_TEXT or _UNSTORABLE.search(given):
        message = f"This must be text of up to {LONGEST_TEXT} characters that can be stored."
        raise InvalidInput(message, field=place)
    return given


def _number(given: object, place: str, *, most: int) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= most:
        raise InvalidInput(f"This must be a whole number from 1 to {most}.", field=place)
    return given


def _mapping(given: object, place: str) -> Mapping[str, object]:
    if isinstance(given, Mapping):
        return given
    raise InvalidInput("This must be an object.", field=place or None, hint='For instance {"tag": "vip"}.')


def _refuse_others(parts: Mapping[str, object], known: set[str], place: str) -> None:
    for word in parts:
        if word not in known:
            shown = str(word)[:60].encode(errors="replace").decode()
            raise InvalidInput(f"{shown!r} means nothing here.", field=place or None, hint=_alike(shown, known))


def _alike(word: str, known: object) -> str | None:
    close = get_close_matches(word.lower(), sorted(map(str, known)), n=1)  # type: ignore[call-overload]
    return f"Did you mean {close[0]!r}?" if close else None


def _below(place: str, word: str) -> str:
    return f"{place}.{word}" if place else str(word)
