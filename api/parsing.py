"""Bodies of all dialects."""

from io import BytesIO
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

# A value takes some seventy bytes of memory, however few it has in the body: `{},` would take twenty times its size.
MOST_VALUES = 1_000_000
_GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1; no JSON begins so


class StrictJSONParser(JSONParser):
    """JSON in UTF-8 whatever the charset says (RFC 8259, 8.1), neither nested so deeply nor of so many values that reading it
    would take too much."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read()
        if body.startswith(_GZIP):
            raise ParseError("This body is compressed. Send it as it is, without Content-Encoding.")
        if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"{", b"["))) > MOST_VALUES:
            raise ParseError(f"This JSON holds more than {MOST_VALUES:,} values.")
        try:
            return super().parse(BytesIO(body), media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError:
            raise ParseError("This JSON is nested too deeply.") from None
