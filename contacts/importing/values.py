"""Cells as JSON values: one reader for each way of writing numbers, dates and answers.

A reader returns the JSON literal of a cell, or None where the cell is not written its way. Numbers are
never turned into floats: their digits are what the file says.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from json.encoder import encode_basestring

from contacts.importing.fields import Kind

ReadValue = Callable[[str], str | None]

# At most 15 digits before the point: longer ones are identifiers, and programs would round them. Leading
# zeros are what codes have and numbers have not.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?").fullmatch
_ENGLISH = re.compile(r"-?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?").fullmatch
_COMMA = re.compile(r"-?(?:0|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,4}|[1-9][0-9]{0,14})(?:,[0-9]{1,12})?").fullmatch
_YEAR_FIRST = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)\s?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
).fullmatch
_YEAR_LAST = re.compile(
    r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(?:,?[T ]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?"
).fullmatch
_DATE, _DATE_AND_TIME = len("2026-11-21"), len("2026-11-21 10:05:00")
# What a column of answers holds; 1 and 0 are numbers.
_ANSWERS = {
    **dict.fromkeys(("true", "yes", "ja", "oui", "sí", "si", "sì", "sim", "tak", "да", "wahr", "vrai"), "true"),
    **dict.fromkeys(("false", "no", "nein", "non", "não", "nie", "нет", "falsch", "faux"), "false"),
}


def read_text(cell: str) -> str:
    """Text is kept as it is, whatever a spreadsheet would make of it."""
    return encode_basestring(cell)


def read_number(cell: str) -> str | None:
    return cell if _NUMBER(cell) else None


def read_number_english(cell: str) -> str | None:
    return cell.replace(",", "") if _ENGLISH(cell) else None


def read_number_comma(cell: str) -> str | None:
    return cell.replace(".", "").replace(",", ".") if _COMMA(cell) else None


def read_boolean(cell: str) -> str | None:
    return _ANSWERS.get(cell.casefold())


def read_date(cell: str) -> str | None:
    """2026-11-21, 2026/11/21 10:05 or 2026-11-21T10:05:00Z, as ISO 8601."""
    moment = moment_year_first(cell)
    return f'"{moment}"' if moment else None


def read_date_dmy(cell: str) -> str | None:
    moment = moment_day_first(cell)
    return f'"{moment}"' if moment else None


def read_date_mdy(cell: str) -> str | None:
    moment = moment_month_first(cell)
    return f'"{moment}"' if moment else None


def moment_year_first(cell: str) -> str | None:
    """A date, or a date with a time, in ISO 8601; None for what is neither or not in the calendar."""
    if cell[4:5] == "-" == cell[7:8]:  # the usual spellings, at a quarter of the cost
        try:
            if len(cell) == _DATE:
                return date.fromisoformat(cell).isoformat()
            if len(cell) == _DATE_AND_TIME:
                return datetime.fromisoformat(cell).isoformat()
        except ValueError:
            return None
    found = _YEAR_FIRST(cell)
    if found is None:
        return None
    year, month, day, time, zone = found.groups()
    return _moment(f"{year}-{month:0>2}-{day:0>2}", time, "+00:00" if zone in ("Z", "UTC") else zone)


def moment_day_first(cell: str) -> str | None:
    return _year_last(cell, day=1, month=3)


def moment_month_first(cell: str) -> str | None:
    return _year_last(cell, day=3, month=1, separators="/-")


def _year_last(cell: str, *, day: int, month: int, separators: str = "/-.") -> str | None:
    found = _YEAR_LAST(cell)
    if found is None or found[2] not in separators:
        return None
    return _moment(f"{found[4]}-{found[month]:0>2}-{found[day]:0>2}", found[5], None)


def _moment(day: str, time: str | None, zone: str | None) -> str | None:
    try:
        if time is None:
            return date.fromisoformat(day).isoformat()
        return datetime.fromisoformat(f"{day}T{time:0>5}{zone or ''}").isoformat()
    except ValueError:
        return None


def _is_year_first(cell: str) -> object:
    """None where `moment_year_first` gives None; the moment is not written out."""
    if cell[4:5] == "-" == cell[7:8] and len(cell) in (_DATE, _DATE_AND_TIME):
        try:
            return datetime.fromisoformat(cell)
        except ValueError:
            return None
    return moment_year_first(cell)


# Whether a cell is written in a way, for a whole column at a time: None where it is not.
CHECKS: dict[Kind, Callable[[str], object]] = {
    Kind.NUMBER: _NUMBER,
    Kind.NUMBER_ENGLISH: _ENGLISH,
    Kind.NUMBER_COMMA: _COMMA,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: _is_year_first,
    Kind.DATE_DMY: moment_day_first,
    Kind.DATE_MDY: moment_month_first,
}
READERS: dict[Kind, ReadValue] = {
    Kind.TEXT: read_text,
    Kind.NUMBER: read_number,
    Kind.NUMBER_ENGLISH: read_number_english,
    Kind.NUMBER_COMMA: read_number_comma,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: read_date,
    Kind.DATE_DMY: read_date_dmy,
    Kind.DATE_MDY: read_date_mdy,
}
