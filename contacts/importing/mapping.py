"""A person's word on what columns are: `{"First Name": "first_name", "Kundennr": "customer_number"}`."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.errors import InvalidInput
from contacts.importing.fields import Field
from contacts.importing.headings import is_attribute_key, normalised

# Fields that several columns may speak about; of all others there is one.
SHARED = frozenset(
    {
        Field.TAGS,
        Field.STATUS,
        Field.OPTED_IN,
        Field.OPTED_OUT,
        Field.JSON,
        Field.ATTRIBUTE,
        Field.SKIP,
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    field: Field
    key: str = ""


def read_mapping(columns: tuple[str, ...], mapping: Mapping[str, str]) -> dict[int, Target]:
    """The targets by index of the column. Raises InvalidInput for columns that the file has not, for targets
    that are neither fields nor keys, and for two columns that want to be one field."""
    targets = {_index(columns, heading): _target(name) for heading, name in mapping.items()}
    taken: dict[Target, int] = {}
    for index, target in targets.items():
        if target in taken and (target.key or target.field not in SHARED):
            raise InvalidInput(
                f"“{columns[taken[target]]}” and “{columns[index]}” cannot both be {target.key or target.field.value}.",
                field="mapping",
            )
        taken[target] = index
    return targets


def _index(columns: tuple[str, ...], heading: str) -> int:
    """By the heading as it stands, else by its letters alone, else by the number of the column."""
    for index, column in enumerate(columns):
        if column == heading.strip():
            return index
    for index, column in enumerate(columns):
        if normalised(column) and normalised(column) == normalised(heading):
            return index
    if heading.isdecimal() and 0 < int(heading) <= len(columns):
        return int(heading) - 1
    raise InvalidInput(
        f"The file has no column “{heading}”.", field="mapping", hint=f"It has: {', '.join(columns[:20])}."
    )


def _target(name: str) -> Target:
    name = name.strip()
    if name in ("", "-"):
        return Target(Field.SKIP)
    if name in {field.value for field in Field}:
        return Target(Field(name))
    if not is_attribute_key(name):
        raise InvalidInput(
            f"“{name}” is neither a field nor the key of an attribute.",
            field="mapping",
            hint=f"Fields are {', '.join(field.value for field in Field)}; a key is made of lower-case letters,"
            " digits and underscores.",
        )
    return Target(Field.ATTRIBUTE, name)
