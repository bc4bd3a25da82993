"""Serializer fields that refuse what the database or a mail could not hold."""

import re
from datetime import datetime
from typing import Any

from rest_framework import serializers

_LARGEST_ID = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Text(serializers.CharField):
    """Text without NUL and without half characters; numbers are not taken for text."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 10_000)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This must be text.")
        if _UNSTORABLE.search(data):
            raise serializers.ValidationError("This has a character that cannot be stored.")
        return str(super().to_internal_value(data))


class Id(serializers.IntegerField):
    """The id of something: a positive whole number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=_LARGEST_ID, **options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, float, str)):
            raise serializers.ValidationError("This must be a whole number.")
        return int(super().to_internal_value(data))


class Moment(serializers.DateTimeField):
    """A time with its zone, as in 2026-03-01T09:00:00Z."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not re.search(r"(?:Z|[+-]\d\d:?\d\d)\Z", value.strip(), re.IGNORECASE):
            raise serializers.ValidationError("This must be a time with its zone, as in 2026-03-01T09:00:00Z.")
        try:
            moment: datetime = super().to_internal_value(value)
        except OverflowError:
            raise serializers.ValidationError("This time is out of range.") from None
        return moment
