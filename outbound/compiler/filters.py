"""The filters and tests of the template language, by name.

They stand in for Jinja's own because a missing value must show as nothing in every one of them (Jinja's
`upper` makes NONE of it), and because none may build more text than a mail can hold.
"""

from collections.abc import Callable, Mapping

from outbound.compiler import list_filters, number_filters, text_filters
from outbound.compiler.values import divides, is_missing, number_of, same, text_of

Filter = Callable[..., object]

FILTERS: Mapping[str, Filter] = {
    "abs": number_filters.absolute,
    "capitalize": text_filters.capitalize,
    "count": list_filters.length,
    "d": text_filters.default,
    "date": number_filters.format_date,
    "default": text_filters.default,
    "e": text_filters.escape_html,
    "escape": text_filters.escape_html,
    "first": list_filters.first,
    "float": number_filters.as_float,
    "href": text_filters.safe_target,
    "int": number_filters.as_int,
    "items": list_filters.items,
    "join": list_filters.join,
    "last": list_filters.last,
    "length": list_filters.length,
    "list": list_filters.as_list,
    "lower": text_filters.lower,
    "map": list_filters.attribute_of_each,
    "max": list_filters.largest,
    "min": list_filters.smallest,
    "number": number_filters.number,
    "replace": text_filters.replace,
    "reverse": list_filters.reverse,
    "round": number_filters.round_number,
    "sort": list_filters.sort,
    "string": text_of,
    "sum": list_filters.total,
    "title": text_filters.title,
    "trim": text_filters.trim,
    "truncate": text_filters.truncate,
    "unique": list_filters.unique,
    "upper": text_filters.upper,
    "urlencode": text_filters.urlencode,
}

_TEXT = {"capitalize", "date", "href", "lower", "number", "replace", "string", "title", "trim", "truncate", "upper"}
# Filters that give a text, whatever goes in; and those that want nothing but the text of what goes in.
TEXT_RESULT = frozenset(_TEXT | {"join", "urlencode"})
TEXT_INPUT = frozenset(_TEXT | {"d", "default", "e", "escape", "urlencode"})

TESTS: Mapping[str, Callable[..., bool]] = {
    "defined": lambda value: not is_missing(value),
    "undefined": is_missing,
    "none": is_missing,
    "None": is_missing,
    "empty": lambda value: not value,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "sequence": lambda value: isinstance(value, (list, tuple)),
    "mapping": lambda value: isinstance(value, dict),
    "odd": lambda value: int(number_of(value) or 0) % 2 == 1,
    "even": lambda value: number_of(value) is not None and int(number_of(value) or 0) % 2 == 0,
    "divisibleby": divides,
    "equalto": same,
}
