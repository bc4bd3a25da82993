"""The body of an upload: a form with a file, and fields whose numbers are numbers."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser

_NUMBERS = ("tenant_id", "source_id")
_LONGEST_NUMBER = 19


class UploadParser(MultiPartParser):
    """multipart/form-data (RFC 7578). The file is written to disk while it comes in."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> DataAndFiles:
        try:
            form = super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RequestDataTooBig:
            raise
        except SuspiciousOperation:
            raise ParseError("This form has too many fields or files.") from None
        form.data = form.data.copy()
        for name in _NUMBERS:
            given = form.data.get(name, "")
            if given.isascii() and given.isdecimal() and len(given) <= _LONGEST_NUMBER:
                form.data[name] = int(given)
        return form
