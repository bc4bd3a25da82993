"""Bodies whose length is not told beforehand (Transfer-Encoding: chunked, RFC 9112, 7.1): Django takes them for empty."""

from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

_IN_MEMORY = 1024 * 1024
_PIECE = 64 * 1024


def receive_chunked(request: HttpRequest, *, at_most: int | None, held: ExitStack) -> None:
    """Read such a body so that its length is known; any other is left alone. It can be read until `held` is closed.

    Raises RequestDataTooBig beyond `at_most` bytes.
    """
    told = request.META
    # Behind these two the stream ends with the body; behind any other server reading on would wait for ever.
    ends = told.get("asgi.scope") is not None or told.get("wsgi.input_terminated")
    if not ends or told.get("CONTENT_LENGTH") or "chunked" not in told.get("HTTP_TRANSFER_ENCODING", "").lower():
        return
    body, size = held.enter_context(SpooledTemporaryFile(_IN_MEMORY)), 0  # noqa: SIM115  `held` closes it
    while piece := told["wsgi.input"].read(_PIECE):
        size += len(piece)
        if at_most is not None and size > at_most:
            raise RequestDataTooBig
        body.write(piece)
    body.seek(0)
    request._stream = cast("BinaryIO", body)
    told["CONTENT_LENGTH"] = str(size)
