"""Values of JSON as cells and as values of attributes."""

import json
import math
from typing import Any

from contacts.importing.fields import Kind
from contacts.importing.tag_lists import tags_in_cell, unique_tags
from contacts.importing.values import READERS, read_boolean
from contacts.models import AttributeType


def storable(text: str) -> str:
    """Without what PostgreSQL's text cannot hold: NUL and half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def as_cell(value: Any) -> str:
    """A value as a person would have written it; lists and objects are no cell."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def as_tags(value: Any) -> tuple[str, ...]:
    """A list of words, or a text that lists them; objects in a list are known by their `slug` or `name`."""
    if isinstance(value, list):
        named = [each.get("slug") or each.get("name") if isinstance(each, dict) else each for each in value]
        return unique_tags([as_cell(each) for each in named])
    return tags_in_cell(as_cell(value))


def type_of(value: Any) -> str:
    """The attribute type a value would have if it were the first one."""
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int | float):
        return AttributeType.NUMBER
    return AttributeType.TEXT if isinstance(value, str) else AttributeType.JSON


def literal_of(value: Any, wanted: str) -> str | None:
    """The JSON literal of a value of the type `wanted`; None where it does not fit."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if wanted in (type_of(value), AttributeType.JSON):
        return json.dumps(_storable(value), ensure_ascii=False)
    cell = as_cell(value).strip()
    if wanted == AttributeType.TEXT:
        return json.dumps(cell or json.dumps(_storable(value), ensure_ascii=False), ensure_ascii=False)
    if wanted == AttributeType.NUMBER:
        return READERS[Kind.NUMBER](cell)
    if wanted == AttributeType.BOOLEAN:
        return read_boolean(cell) or {"1": "true", "0": "false"}.get(cell)
    return READERS[Kind.DATE](cell)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): _storable(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
