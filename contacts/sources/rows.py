"""Items of a page as rows of contacts: mapped, checked, each address once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from common.addresses import Address, InvalidAddress
from contacts.importing.address_cells import address_in_cell
from contacts.importing.names import split_full_name, tidy_name
from contacts.importing.notes import Notes
from contacts.importing.places import country_in_cell, language_in_cell, timezone_in_cell
from contacts.importing.statuses import UNCONFIRMED, status_of_word
from contacts.importing.tag_lists import unique_tags
from contacts.importing.values import moment_year_first
from contacts.sources.config import SourceConfig
from contacts.sources.mapping import FIELDS, at_path
from contacts.sources.values import as_cell, as_tags, literal_of, storable, type_of

_MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One contact as it is staged. Empty texts say nothing; `attributes` are JSON literals by key."""

    address: Address
    first_name: str
    last_name: str
    language: str
    timezone: str
    country: str
    status: str
    consent_at: str
    consent_ip: str
    attributes: dict[str, str]
    tags: tuple[str, ...]

    def attributes_shown(self) -> dict[str, Any]:
        return {key: json.loads(literal) for key, literal in self.attributes.items()}


@dataclass(frozen=True, slots=True)
class Reject:
    """An item without a usable address: its number on the page from 1, its id if it has one, and why. What else it said
    is not kept: it may be about a person who wants to be forgotten."""

    item: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What a page holds. `duplicates` are items whose address came again later on the page: the last one counts."""

    rows: list[Row]
    rejects: list[Reject]
    duplicates: int


class RowMaker:
    """Makes rows of items. `known` are the types of the tenant's attributes; `found` collects those of new ones.
    What a value cannot be read as is left out and noted with the item's number."""

    def __init__(self, config: SourceConfig, *, known: Mapping[str, str], notes: Notes) -> None:
        self.found: dict[str, str] = {}
        self.notes = notes
        self._known = known
        self._tags = config.defaults.tags
        self._paths = {name: path for name, path in config.mapping.items() if name in FIELDS}
        self._attributes = {name: path for name, path in config.mapping.items() if name not in FIELDS}

    def make(self, items: Iterable[Any]) -> Rows:
        rows: dict[str, Row] = {}
        rejects: list[Reject] = []
        duplicates = 0
        for number, item in enumerate(items, 1):
            try:
                row = self._row(item, number)
            except InvalidAddress as refusal:
                rejects.append(Reject(number, _id_of(item), refusal.message))
                continue
            duplicates += rows.pop(row.address.key, None) is not None
            rows[row.address.key] = row
        return Rows(list(rows.values()), rejects, duplicates)

    def _row(self, item: Any, number: int) -> Row:
        address = address_in_cell(self._cell(item, "email"))
        first, last = tidy_name(self._cell(item, "first_name")), tidy_name(self._cell(item, "last_name"))
        if not first and not last:
            first, last = split_full_name(self._cell(item, "full_name"))
        return Row(
            address=address,
            first_name=first,
            last_name=last,
            language=self._noted("a language", language_in_cell(cell := self._cell(item, "language")), number, cell),
            timezone=self._noted("a time zone", timezone_in_cell(cell := self._cell(item, "timezone")), number, cell),
            country=country_in_cell(self._cell(item, "country")),
            status=self._status(self._cell(item, "status"), number),
            consent_at=self._noted("a time", _moment(cell := self._cell(item, "consent_at")), number, cell),
            consent_ip=self._noted("an IP address", _ip(cell := self._cell(item, "consent_ip")), number, cell),
            attributes=self._attributes_of(item, number),
            tags=unique_tags([*self._tags, *self._tags_of(item)])[:_MOST_TAGS],
        )

    def _cell(self, item: Any, name: str) -> str:
        path = self._paths.get(name)
        return "" if path is None else as_cell(at_path(item, path))

    def _tags_of(self, item: Any) -> tuple[str, ...]:
        path = self._paths.get("tags")
        return () if path is None else as_tags(at_path(item, path))

    def _status(self, cell: str, number: int) -> str:
        """An unknown word never makes mailable."""
        if not cell.strip():
            return ""
        status = status_of_word(cell)
        if status is None:
            self.notes.add("Some statuses are words we do not know; these contacts must confirm first.", number, cell)
        return status or UNCONFIRMED

    def _noted(self, what: str, value: str | None, number: int, cell: str) -> str:
        if value is None:
            self.notes.add(f"Some values are not {what} that is known; they were left out.", number, cell)
        return value or ""

    def _attributes_of(self, item: Any, number: int) -> dict[str, str]:
        attributes = {}
        for key, path in self._attributes.items():
            value = at_path(item, path)
            if value is None or value == "":
                continue
            wanted = self._known.get(key) or self.found.setdefault(key, type_of(value))
            literal = literal_of(value, wanted)
            if literal is None:
                self.notes.add(f"Some values do not fit the type of {key}; they were left out.", number)
            else:
                attributes[key] = literal
        return attributes


def _id_of(item: Any) -> str:
    value = item.get("id") if isinstance(item, dict) else None
    return storable(str(value))[:64] if isinstance(value, str | int) and "@" not in str(value) else ""


def _moment(cell: str) -> str | None:
    return moment_year_first(cell.strip()) if cell.strip() else ""


def _ip(cell: str) -> str | None:
    try:
        return str(ip_address(cell.strip())) if cell.strip() else ""
    except ValueError:
        return None
