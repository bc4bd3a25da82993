"""Filters for lists and objects in a contact's data; a single value is a list of one."""

from outbound.compiler.values import LONGEST_TEXT, Number, is_missing, number_of, text_of


def length(value: object) -> int:
    if is_missing(value):
        return 0
    return len(value) if isinstance(value, (str, list, tuple, dict, range)) else len(text_of(value))


def join(value: object, separator: object = ", ", attribute: object = None) -> str:
    """A list as one text; a single value is a list of one."""
    texts = [text_of(one) for one in _attribute_of_each(_items(value), attribute)]
    glue = text_of(separator)
    return glue.join(texts) if sum(map(len, texts)) + len(texts) * len(glue) <= LONGEST_TEXT else ""


def first(value: object) -> object:
    items = value if isinstance(value, str) else _items(value)
    return items[0] if items else None


def last(value: object) -> object:
    items = value if isinstance(value, str) else _items(value)
    return items[-1] if items else None


def sort(value: object, reverse: object = False, attribute: object = None) -> list[object]:
    """Numbers by size, then all else by its text, without regard to upper and lower case."""
    return sorted(_items(value), key=lambda one: _sort_key(_attribute(one, attribute)), reverse=bool(reverse))


def reverse(value: object) -> object:
    return value[::-1] if isinstance(value, str) else _items(value)[::-1]


def unique(value: object) -> list[object]:
    return list({text_of(one): one for one in reversed(_items(value))}.values())[::-1]


def total(value: object, attribute: object = None) -> Number:
    return sum(_numbers(value, attribute))


def smallest(value: object, attribute: object = None) -> Number | None:
    return min(_numbers(value, attribute), default=None)


def largest(value: object, attribute: object = None) -> Number | None:
    return max(_numbers(value, attribute), default=None)


def attribute_of_each(value: object, attribute: object) -> list[object]:
    return _attribute_of_each(_items(value), attribute)


def items(value: object) -> list[object]:
    """Name and value of each entry of an object."""
    return [list(pair) for pair in value.items()] if isinstance(value, dict) else []


def as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, str) else _items(value)


def _items(value: object) -> list[object]:
    if isinstance(value, (list, tuple, range, dict)):
        return list(value)
    return [] if is_missing(value) else [value]


def _attribute(item: object, attribute: object) -> object:
    if attribute is None:
        return item
    return item.get(text_of(attribute)) if isinstance(item, dict) else None


def _attribute_of_each(values: list[object], attribute: object) -> list[object]:
    return [_attribute(one, attribute) for one in values]


def _numbers(value: object, attribute: object) -> list[Number]:
    found = [number_of(one) for one in _attribute_of_each(_items(value), attribute)]
    return [one for one in found if one is not None]


def _sort_key(value: object) -> tuple[int, Number, str]:
    found = number_of(value)
    return (0, found, "") if found is not None else (1, 0, text_of(value).casefold())
