"""HTTP requests to servers that tenants name: one request, one answer, within limits of time and size.

The host is resolved once and the connection goes to an address that was checked, so that a second answer of the
DNS cannot lead elsewhere; certificate, SNI and Host are those of the name. No redirect is followed and no proxy of
the environment is used.
"""

import io
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPException
from typing import Any, BinaryIO

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, SSLError

from common import environment
from common.destinations import Destination, NoAnswer, Resolve, addresses_of, look_up, read_url
from common.errors import InvalidInput, Refused

__all__ = ["Answer", "AnswerRefused", "Limits", "NoAnswer", "download", "fetch"]

_BLOCK = 1 << 16


class AnswerRefused(Refused):
    """The other server answered, with what cannot be taken: too much of it, a wrong certificate, another encoding."""

    code = "answer_refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names of `headers` are in lower case; of several with one name they hold all, with commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` for everything together, from the name's look-up to the last byte; `largest` in bytes, unpacked.

    `allow_private`: None leaves it to OUTGOING_ALLOW_PRIVATE. `resolve` finds the addresses of a name. `trust` is a
    file with certificates to trust in place of the system's. `cut`: only the beginning of the body is of interest: it is
    read up to `largest` bytes as they come, and more is no refusal.
    """

    seconds: float = 10.0
    largest: int = 10_000_000
    cut: bool = False
    allow_private: bool | None = None
    resolve: Resolve = field(default=look_up)
    trust: str = ""


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limits: Limits | None = None,
) -> Answer:
    """Send one request. Any status is an answer, a redirect's too.

    Raises UrlRefused and InvalidInput before anything is sent, NoAnswer (temporary), and AnswerRefused.
    """
    stream = io.BytesIO()
    answer = _exchange(method, url, headers=headers or {}, body=body, limits=limits or Limits(), into=stream)
    return Answer(answer.status, answer.headers, stream.getvalue())


def download(url: str, *, into: BinaryIO, headers: Mapping[str, str] | None = None, limits: Limits) -> Answer:
    """GET with the body written into a stream as it comes; the answer's own `body` is empty. Raises as `fetch` does:
    then part of the body may have been written."""
    return _exchange("GET", url, headers=headers or {}, body=None, limits=limits, into=into)


def _exchange(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, limits: Limits, into: BinaryIO
) -> Answer:
    _check_request(method, headers)
    destination = read_url(url)
    allow = environment.flag("OUTGOING_ALLOW_PRIVATE") if limits.allow_private is None else limits.allow_private
    deadline = _Deadline(limits.seconds)
    try:
        addresses = addresses_of(destination, seconds=deadline.left(), allow_private=allow, resolve=limits.resolve)
        with _connected(destination, addresses, deadline, limits) as http:
            sent = {"User-Agent": "Lettershop", "Accept-Encoding": "gzip", **headers}
            http.request(
                method, destination.target, body=body, headers=sent, preload_content=False, decode_content=False
            )
            response = http.getresponse()
            answer = Answer(response.status, {name.lower(): response.headers[name] for name in response.headers})
            if limits.cut:
                into.write(response.read(limits.largest, decode_content=False))
            else:
                _read(response, answer.headers, limits.largest, into)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise _trouble(destination, deadline, error) from error
    finally:
        deadline.done()
    if deadline.passed:
        raise deadline.fault(destination)
    return answer


class _Deadline:
    """Cuts the connection when time is up: time limits of sockets begin again with every byte that comes."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._seconds = seconds
        self._at = time.monotonic() + seconds
        self._timer: threading.Timer | None = None
        self._held: socket.socket | None = None

    def left(self) -> float:
        return max(0.001, self._at - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        # A copy, because TLS takes the socket itself over.
        self._held = connection.dup()
        self._timer = threading.Timer(self.left(), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def done(self) -> None:
        if self._timer is not None and self._held is not None:
            self._timer.cancel()
            self._timer.join()
            self._held.close()
        self.passed = self.passed or time.monotonic() >= self._at

    def fault(self, destination: Destination) -> NoAnswer:
        return NoAnswer(f"{destination.host} did not answer within {self._seconds:g} seconds.")

    def _cut(self) -> None:
        self.passed = True
        if self._held is not None:
            try:
                self._held.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it was closed from the other side


class _Plain(HTTPConnection):
    """Connects to the socket it was given: host, SNI and certificate stay those of the name."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


class _Secure(HTTPSConnection):
    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


@contextmanager
def _connected(
    destination: Destination, addresses: list[str], deadline: _Deadline, limits: Limits
) -> Iterator[HTTPConnection]:
    plain = _first_connection(addresses, destination.port, deadline)
    try:
        deadline.watch(plain)
        http: _Plain | _Secure
        if destination.scheme == "https":
            http = _Secure(
                destination.host, destination.port, timeout=deadline.left(), ssl_context=_context(limits.trust)
            )
        else:
            http = _Plain(destination.host, destination.port, timeout=deadline.left())
        http.given = plain
        try:
            yield http
        finally:
            http.close()
    finally:
        plain.close()


def _first_connection(addresses: list[str], port: int, deadline: _Deadline) -> socket.socket:
    """To the first address that takes it; each gets its share of the time that is left."""
    fault = OSError("no address")
    for number, address in enumerate(addresses):
        try:
            return socket.create_connection((address, port), deadline.left() / (len(addresses) - number))
        except OSError as error:
            fault = error
    raise fault


@lru_cache(maxsize=8)
def _context(trust: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=trust or None)


def _read(response: Any, headers: Mapping[str, str], largest: int, into: BinaryIO) -> None:
    unpack = _unpacker(headers.get("content-encoding", ""))
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > largest:
        raise _too_large(largest)
    size = 0
    while raw := response.read(_BLOCK, decode_content=False):
        for piece in unpack.feed(raw):
            size += len(piece)
            if size > largest:
                raise _too_large(largest)
            into.write(piece)
    unpack.finish()


class _AsItIs:
    def feed(self, raw: bytes) -> Iterator[bytes]:
        yield raw

    def finish(self) -> None:
        """Nothing can be missing."""


class _Unpack:
    """gzip or deflate (RFC 9110 section 8.4.1) in small pieces: a bomb is met while it unfolds."""

    def __init__(self) -> None:
        self._zip = zlib.decompressobj(wbits=47)
        self._begun = False

    def feed(self, raw: bytes) -> Iterator[bytes]:
        while raw:
            if self._zip.eof:  # another member follows
                self._zip = zlib.decompressobj(wbits=47)
            self._begun = True
            try:
                piece = self._zip.decompress(raw, _BLOCK)
            except zlib.error:
                raise AnswerRefused("The answer is not packed the way it says.") from None
            if piece:
                yield piece
            raw = self._zip.unused_data if self._zip.eof else self._zip.unconsumed_tail

    def finish(self) -> None:
        if self._begun and not self._zip.eof:
            raise NoAnswer("The answer broke off.")


def _unpacker(encoding: str) -> _AsItIs | _Unpack:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _AsItIs()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Unpack()
    raise AnswerRefused("The answer is packed in a way that was not asked for.")


def _too_large(largest: int) -> AnswerRefused:
    return AnswerRefused(f"The answer is larger than {largest:,} bytes.", hint="Ask for less at once.")


def _check_request(method: str, headers: Mapping[str, str]) -> None:
    if not _TOKEN.fullmatch(method):
        raise InvalidInput("This is no method of HTTP.", field="method")
    for name, text in headers.items():
        if not _TOKEN.fullmatch(name) or not _HEADER_TEXT.fullmatch(text):
            raise InvalidInput("A header has a character that headers cannot have.", field="headers")


# RFC 9110 sections 5.5 and 5.6.2; Latin letters beyond ASCII would be sent in a way that nobody agrees on.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]{0,8000}")


def _trouble(destination: Destination, deadline: _Deadline, error: Exception) -> Exception:
    """What a library's error means to us."""
    deadline.done()
    if deadline.passed:
        return deadline.fault(destination)
    if isinstance(error, SSLError | ssl.SSLError):
        return AnswerRefused(
            f"The certificate of {destination.host} is not accepted, or it does not speak TLS there.",
            hint="Is the host's name the one in its certificate, and is the port right?",
        )
    if isinstance(error, TimeoutError):
        return deadline.fault(destination)
    if isinstance(error, ConnectionRefusedError):
        return NoAnswer(f"{destination.host} takes no connection on port {destination.port}.")
    return NoAnswer(f"{destination.host} broke off, or did not answer in HTTP.")
