"""The choices for each column of a file, as the wizard offers them."""

from collections.abc import Mapping
from dataclasses import dataclass

from contacts.importing.fields import Field
from contacts.importing.headings import attribute_key
from contacts.importing.layout import Layout
from contacts.importing.plan import Plan

_OWN = "own:"  # a field of the tenant's own, by its key

_WORDS = {
    Field.EMAIL: "E-mail address",
    Field.FIRST_NAME: "First name",
    Field.LAST_NAME: "Last name",
    Field.FULL_NAME: "Full name (is split)",
    Field.LANGUAGE: "Language",
    Field.TIMEZONE: "Time zone",
    Field.COUNTRY: "Country",
    Field.TAGS: "Tags",
    Field.STATUS: "Status (subscribed, cleaned, …)",
    Field.OPTED_IN: "Opted in: yes or no",
    Field.OPTED_OUT: "Opted out: yes or no",
    Field.UNSUBSCRIBED_AT: "Time of unsubscribing",
    Field.BOUNCED_AT: "Time of bouncing",
    Field.CONSENT_AT: "Time of consent",
    Field.CONSENT_IP: "IP address of consent",
    Field.JSON: "JSON object (is spread)",
}


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column: what it is called, what it is taken for, and the values it may be given instead."""

    number: int  # from 1, as the file counts
    heading: str
    chosen: str
    options: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Of the form's field."""
        return f"column-{self.number}"


def column_choices(layout: Layout, plan: Plan | None, posted: Mapping[str, str] | None) -> list[ColumnChoice]:
    """What was posted wins over what was understood; without a plan everything is an own field."""
    found = {column.index: column for column in plan.columns} if plan else {}
    taken = {column.key for column in found.values() if column.key}
    choices = []
    for index, heading in enumerate(layout.columns):
        column = found.get(index)
        key = (column.key if column else "") or _free_key(attribute_key(heading), taken)
        taken.add(key)
        guessed = f"{_OWN}{key}"
        if column and column.field is not Field.ATTRIBUTE:
            guessed = column.field.value
        options = (
            *((field.value, words) for field, words in _WORDS.items()),
            (f"{_OWN}{key}", f"Own field: {key}"),
            (Field.SKIP.value, "Leave this column out"),
        )
        name = f"column-{index + 1}"
        posted_value = posted.get(name, "") if posted else ""
        chosen = posted_value if posted_value in dict(options) else guessed
        choices.append(ColumnChoice(index + 1, heading, chosen, options))
    return choices


def _free_key(key: str, taken: set[str]) -> str:
    """Two headings may mean one key: the second one gets a number."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key[:58]}_{number}"
    return free


def chosen_mapping(columns: list[ColumnChoice]) -> dict[str, str]:
    """Numbers of columns to fields or keys: two columns may have one heading, but not one number."""
    return {_address(column, columns): column.chosen.removeprefix(_OWN) for column in columns}


def _address(column: ColumnChoice, columns: list[ColumnChoice]) -> str:
    twins = [other for other in columns if other.heading == column.heading]
    return column.heading if len(twins) == 1 else str(column.number)
