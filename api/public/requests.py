"""What the doors read of a request: who asks, and the few bytes of a form."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from api.public.answers import Receive, Scope
from outbound.recording import clean_agent, clean_ip

LONGEST_FORM = 16 * 1024
_MOST_FIELDS = 50


class BadForm(Exception):
    """The body is too long, or is no form."""


class ClientGone(Exception):
    """The client left before its form had arrived."""


class Caller(NamedTuple):
    host: str
    ip: str | None
    agent: str | None


def caller_of(scope: Scope, *, behind_proxy: bool) -> Caller:
    """Behind our own proxy the last X-Forwarded-For entry is the client's: earlier ones anybody can write."""
    host = agent = forwarded = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"user-agent":
            agent = value
        elif name == b"x-forwarded-for" and behind_proxy:
            forwarded = value
    if forwarded:
        ip = clean_ip(forwarded.rpartition(b",")[2].strip().decode("latin-1"))
    else:
        client = scope.get("client")
        ip = clean_ip(client[0]) if client else None
    return Caller(_host_name(host), ip, clean_agent(agent[:2000]) if agent else None)


async def read_form(scope: Scope, receive: Receive) -> dict[str, str]:
    """The fields of a posted form, either encoding; none for an empty body. Raises BadForm, ClientGone."""
    body = await _body(receive)
    if not body.strip():
        return {}
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if content_type.lower().startswith(b"multipart/form-data"):
        return _multipart(content_type, body)
    return only_once(body.decode("utf-8", "replace"))


def only_once(query: str) -> dict[str, str]:
    """The fields of a query or form. Raises BadForm when one stands there twice: then it has no certain meaning."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadForm from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadForm
    return fields


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > LONGEST_FORM:
            raise BadForm
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _multipart(content_type: bytes, body: bytes) -> dict[str, str]:
    """RFC 7578, for the small text fields that one-click unsubscribing sends."""
    boundary = _parameter(content_type, b"boundary")
    if not boundary or len(boundary) > 200:
        raise BadForm
    fields: dict[str, str] = {}
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_FIELDS)
    for part in parts[1:]:
        if part.startswith(b"--"):
            return fields
        head, _, value = part.partition(b"\r\n\r\n")
        disposition = next(
            (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition:")), b""
        )
        name = _parameter(disposition, b"name").decode("utf-8", "replace")
        if name in fields:
            raise BadForm
        fields[name] = value.decode("utf-8", "replace")
    raise BadForm


def _parameter(header: bytes, name: bytes) -> bytes:
    for piece in header.split(b";")[1:]:
        key, _, value = piece.strip().partition(b"=")
        if key.strip().lower() == name:
            return value.strip().strip(b'"')
    return b""


@lru_cache(maxsize=1024)
def _host_name(raw: bytes) -> str:
    """Without port, lower case."""
    text = raw.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].rstrip(".")
