"""Reading JSON that somebody gave: each value with its type, or a refusal that names its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Given:
    """An object of the JSON and where it stands. None is the same as nothing said; every method raises InvalidInput."""

    values: Mapping[str, Any]
    place: str

    def text(self, name: str, *, longest: int) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest or _UNSTORABLE.search(value):
            raise self._refusal(name, f"This must be text of at most {longest} characters.")
        return value.strip()

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, longest=100) or default
        if value not in choices:
            raise self._refusal(name, f"This must be one of {', '.join(choices)}.")
        return value

    def whole(self, name: str, *, most: int, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self._refusal(name, f"This must be a whole number from 0 to {most}.")
        return value

    def part(self, name: str) -> "Given":
        return Given(self._object(name), f"{self.place}.{name}")

    def texts(self, name: str) -> dict[str, str]:
        found = self.part(name)
        if len(found.values) > 200:
            raise self._refusal(name, "These are more than 200.")
        if any(not isinstance(key, str) or len(key) > 200 or not key.isprintable() for key in found.values):
            raise self._refusal(name, "A name is too long, or has a character that cannot be stored.")
        return {str(key): found.text(key, longest=2000) for key in found.values}

    def words(self, name: str, *, most: int) -> list[str]:
        value = self.values.get(name) or []
        if not isinstance(value, list | tuple) or len(value) > most:
            raise self._refusal(name, f"This must be a list of at most {most} words.")
        words = Given({str(number): word for number, word in enumerate(value)}, f"{self.place}.{name}")
        return [words.text(number, longest=80) for number in words.values]

    def _object(self, name: str) -> Mapping[str, Any]:
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._refusal(name, "This must be an object.")
        return value

    def _refusal(self, name: str, message: str) -> InvalidInput:
        return InvalidInput(message, field=f"{self.place}.{name}")
