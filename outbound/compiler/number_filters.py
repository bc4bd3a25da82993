"""Filters for numbers and dates."""

import re
from datetime import date, datetime

from outbound.compiler.values import number_of, text_of, whole_number


def round_number(value: object, precision: object = 0) -> object:
    number = number_of(value)
    digits = min(max(whole_number(precision, 0), 0), 10)
    if number is None:
        return value
    return round(number, digits) if digits else round(number)


def number(value: object, decimals: object = 0, point: object = ".", group: object = ",") -> str:
    """1234.5 as 1,234.50 with `number(2)`, or 1.234,50 with `number(2, ",", ".")`."""
    found = number_of(value)
    if found is None:
        return text_of(value)
    plain = f"{found:,.{min(max(whole_number(decimals, 0), 0), 10)}f}"
    signs = {",": text_of(group)[:3], ".": text_of(point)[:3]}
    return "".join(signs.get(char, char) for char in plain)


def format_date(value: object, pattern: object = "%d.%m.%Y") -> str:
    """A date, or a text that begins with one like 2026-11-21, by the usual % letters; names are English."""
    moment = _moment(value)
    if moment is None:
        return text_of(value)
    return _DATE_LETTER.sub(lambda found: _date_part(moment, found[1]), text_of(pattern)[:200])


def as_int(value: object, default_value: object = 0) -> object:
    found = number_of(value)
    return default_value if found is None else int(found)


def as_float(value: object, default_value: object = 0.0) -> object:
    found = number_of(value)
    return default_value if found is None else float(found)


def absolute(value: object) -> object:
    found = number_of(value)
    return None if found is None else abs(found)


_DATE_LETTER = re.compile(r"%(-?[A-Za-z%])")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _moment(value: object) -> date | None:
    if isinstance(value, date):
        return value
    text = text_of(value).strip()
    for length_of_form, read in ((32, datetime.fromisoformat), (10, date.fromisoformat)):
        try:
            return read(text[:length_of_form])
        except ValueError:
            continue
    return None


def _date_part(moment: date, letter: str) -> str:
    hour, minute = (moment.hour, moment.minute) if isinstance(moment, datetime) else (0, 0)
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    parts = {
        "d": f"{moment.day:02}", "-d": str(moment.day), "e": str(moment.day), "j": f"{moment:%j}",
        "m": f"{moment.month:02}", "-m": str(moment.month), "B": month, "b": month[:3],
        "Y": f"{moment.year:04}", "y": f"{moment.year % 100:02}", "A": day, "a": day[:3],
        "H": f"{hour:02}", "-H": str(hour), "I": f"{(hour + 11) % 12 + 1:02}", "-I": str((hour + 11) % 12 + 1),
        "M": f"{minute:02}", "p": "AM" if hour < 12 else "PM", "%": "%",
    }  # fmt: skip
    return parts.get(letter, "%" + letter)
