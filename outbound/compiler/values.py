"""What the values of a contact mean in a template: as text, compared, and calculated with.

Contacts have holes and odd types, so nothing here raises: what makes no sense is missing, and what is
missing shows as nothing and is never above, below or equal to anything but another hole.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2.runtime import Undefined
from markupsafe import Markup

from outbound.compiler.marks import clean

Number = int | float

LONGEST_TEXT = 100_000  # characters that one expression may build
LARGEST_NUMBER = 10**18


def text_of(value: object) -> str:
    """The value as a reader sees it. Text that is safe HTML already stays so."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**300 else ""
    if isinstance(value, (float, Decimal)):
        return str(value) if math.isfinite(value) else ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=text_of)[:LONGEST_TEXT]
    return ""


def shown(value: object) -> str:
    """The text that stands in the mail: also without characters that no mail can carry."""
    text = text_of(value)
    return text if hasattr(text, "__html__") else clean(text)


def is_missing(value: object) -> bool:
    """None, an unknown name and an empty text are the same to a marketer: there is nothing."""
    return value is None or isinstance(value, Undefined) or value == ""


def number_of(value: object) -> Number | None:
    """The number that a value is, or that a text spells."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float, Decimal)):
        number = value if isinstance(value, int) else float(value)
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        text = value.strip()
        number = float(text) if "." in text else int(text)
    else:
        return None
    return number if -LARGEST_NUMBER <= number <= LARGEST_NUMBER else None


def whole_number(value: object, otherwise: int) -> int:
    number = number_of(value)
    return otherwise if number is None else int(number)


def divides(value: object, by: object) -> bool:
    dividend, divisor = number_of(value), number_of(by)
    return bool(divisor) and dividend is not None and divisor is not None and dividend % divisor == 0


def same(left: object, right: object) -> bool:
    if is_missing(left) or is_missing(right):
        return is_missing(left) and is_missing(right)
    if isinstance(left, str) == isinstance(right, str):
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return text_of(left).casefold() == text_of(right).casefold()
    number = number_of(left)
    return number is not None and number == number_of(right)


def differs(left: object, right: object) -> bool:
    return not same(left, right)


def below(left: object, right: object) -> bool:
    pair = _comparable(left, right)
    return pair is not None and pair[0] < pair[1]


def at_most(left: object, right: object) -> bool:
    pair = _comparable(left, right)
    return pair is not None and pair[0] <= pair[1]


def above(left: object, right: object) -> bool:
    return below(right, left)


def at_least(left: object, right: object) -> bool:
    return at_most(right, left)


def is_in(needle: object, hay: object) -> bool:
    if isinstance(hay, str):
        return not is_missing(needle) and text_of(needle) in hay
    if isinstance(hay, (list, tuple, dict, range)):
        return any(same(needle, one) for one in hay)
    return False


def is_not_in(needle: object, hay: object) -> bool:
    return not is_in(needle, hay)


def add(left: object, right: object) -> object:
    a, b = number_of(left), number_of(right)
    if a is not None and b is not None:
        return _bounded(a + b)
    if isinstance(left, list) and isinstance(right, list) and len(left) + len(right) <= LONGEST_TEXT:
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        return join_texts(left, right)
    return None


def subtract(left: object, right: object) -> object:
    return _calculated(lambda a, b: a - b, left, right)


def multiply(left: object, right: object) -> object:
    return _calculated(lambda a, b: a * b, left, right)


def divide(left: object, right: object) -> object:
    return _calculated(lambda a, b: a / b if b else None, left, right)


def divide_whole(left: object, right: object) -> object:
    return _calculated(lambda a, b: a // b if b else None, left, right)


def remainder(left: object, right: object) -> object:
    return _calculated(lambda a, b: a % b if b else None, left, right)


def negative(value: object) -> object:
    number = number_of(value)
    return None if number is None else -number


def join_texts(*values: object) -> str:
    """The `~` of a template. Beside text that is safe HTML, other text is made safe."""
    texts = [text_of(value) for value in values]
    if sum(map(len, texts)) > LONGEST_TEXT:
        return ""
    return Markup("").join(texts) if any(isinstance(text, Markup) for text in texts) else "".join(texts)


_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)


def _comparable(left: object, right: object) -> tuple[Any, Any] | None:
    a, b = number_of(left), number_of(right)
    if a is not None and b is not None:
        return a, b
    if is_missing(left) or is_missing(right):
        return None
    if isinstance(left, (str, date)) and isinstance(right, (str, date)):
        return text_of(left), text_of(right)
    return None


def _calculated(step: Callable[[Any, Any], Number | None], left: object, right: object) -> object:
    a, b = number_of(left), number_of(right)
    return None if a is None or b is None else _bounded(step(a, b))


def _bounded(number: Number | None) -> Number | None:
    return number if number is not None and -LARGEST_NUMBER <= number <= LARGEST_NUMBER else None
