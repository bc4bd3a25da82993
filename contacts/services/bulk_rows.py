"""Rows of a call that brings many contacts: each checked, and refused by itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from common.addresses import parse_address, plain_key
from common.errors import InvalidInput
from contacts.importing.tag_lists import LONGEST_TAG, MOST_TAGS, unique_tags
from contacts.models import ContactStatus
from contacts.services.details import (
    attributes_json,
    checked_key,
    checked_language,
    checked_line,
    checked_timezone,
    checked_value,
    type_of,
)

MOST_NEW_ATTRIBUTES = 1_000  # of one call
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]").search
_STATUSES = frozenset(ContactStatus.values)


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row as it is staged: `cells` in the order of contacts.importing.staging.COLUMNS without the line."""

    index: int
    key: str
    cells: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(slots=True)
class RowCheck:
    """Checks the rows of one call. `types` are those of the tenant's attributes, `tags_for_all` go to every row;
    `new` collects the attributes that the rows bring."""

    types: dict[str, str]
    tags_for_all: Sequence[str] = ()
    new: dict[str, str] = field(default_factory=dict)

    def check(self, index: int, row: object) -> CheckedRow:
        """Raises InvalidInput with the field of the row."""
        if not isinstance(row, Mapping):
            raise InvalidInput("A contact is an object with an address.")
        email, key, needs_smtputf8 = _address(_text(row, "email"))
        status = _text(row, "status")
        if status and status not in _STATUSES:
            raise InvalidInput(f"There is no status {status[:40]!r}.", field="status")
        consent_at, consent_ip = _consent(row.get("consent"))
        cells = (
            email,
            key,
            needs_smtputf8,
            checked_line("first_name", _text(row, "first_name")),
            checked_line("last_name", _text(row, "last_name")),
            checked_language(_text(row, "language")),
            checked_timezone(_text(row, "timezone")),
            checked_line("country", _text(row, "country")),
            status,
            consent_at,
            consent_ip,
            self._attributes(row.get("attributes")),
        )
        return CheckedRow(index, key, cells, self._tags(row.get("tags")))

    def _attributes(self, given: object) -> str:
        if not given:
            return "{}"
        if not isinstance(given, Mapping):
            raise InvalidInput("This must be an object.", field="attributes")
        values = {key: value for key, value in given.items() if value is not None}
        text = attributes_json(values)
        new: dict[str, str] = {}
        for key, value in values.items():
            kind = self.types.get(key)
            if kind is None:
                new[checked_key(key)] = type_of(value)
            else:
                checked_value(key, kind, value)
        if new:
            self._learn(new)
        return text

    def _learn(self, new: Mapping[str, str]) -> None:
        """Only once a row is known to be good: a refused row leaves nothing behind."""
        if len(self.new) + len(new) > MOST_NEW_ATTRIBUTES:
            raise InvalidInput("A call brings at most 1,000 new attributes.", field="attributes")
        self.new.update(new)
        self.types.update(new)

    def _tags(self, given: object) -> tuple[str, ...]:
        if given is None:
            return checked_tags(tuple(self.tags_for_all))
        if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
            raise InvalidInput("This must be a list of texts.", field="tags")
        return checked_tags((*self.tags_for_all, *given))


@lru_cache(maxsize=5000)
def checked_tags(words: tuple[str, ...]) -> tuple[str, ...]:
    """Names of tags, tidy, each once. Raises InvalidInput."""
    unfit = any(len(word) > LONGEST_TAG or _UNSTORABLE(word) for word in words)
    if unfit or len(words) > MOST_TAGS:
        raise InvalidInput(f"Tags are up to {MOST_TAGS} texts of up to {LONGEST_TAG} characters.", field="tags")
    return unique_tags(list(words))


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("This must be text.", field=name)
    return value


def _address(text: str) -> tuple[str, str, str]:
    key = plain_key(text)
    if key is not None:
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}", key, "f"
    try:
        address = parse_address(text)
    except InvalidInput as error:
        raise InvalidInput(error.message, field="email") from None
    return address.text, address.key, "t" if address.needs_smtputf8 else "f"


def _consent(given: object) -> tuple[str, str]:
    """Time and IP address, each "" where nothing is said."""
    if given is None:
        return "", ""
    if not isinstance(given, Mapping):
        raise InvalidInput("This must be an object.", field="consent")
    at, ip = _text(given, "at"), _text(given, "ip")
    try:
        moment = datetime.fromisoformat(at) if at else None
    except ValueError:
        moment = None
    if at and (moment is None or moment.tzinfo is None or not 1900 <= moment.year <= 9000):
        raise InvalidInput("This must be a time with its zone, as in 2026-03-01T09:00:00Z.", field="consent.at")
    try:
        return (moment.isoformat() if moment else ""), (str(ip_address(ip)) if ip else "")
    except ValueError:
        raise InvalidInput("This is no IP address.", field="consent.ip") from None
