"""Bodies of all dialects."""

import json
from typing import Any, NoReturn

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
            return _DECODER.decode(body.decode())
        except RecursionError:
            raise ParseError("This JSON is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


# Made once: making it costs as much as reading a small body.
_DECODER = json.JSONDecoder(parse_constant=_refuse)
