"""Just enough HTTP on ASGI for the catcher: a request to look at, a response to send."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Every page's own policy; those that show mail bring another one.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number from the query, brought into 0 to `most`; the default for anything else."""
        text = self.query.get(name, "")
        return min(int(text), most) if re.fullmatch(r"[0-9]{1,9}", text) else default

    def comes_from_another_site(self) -> bool:
        """Whether a browser sent it because of a page that is not ours."""
        site = self.headers.get("sec-fetch-site", "")
        origin = self.headers.get("origin", "").partition("://")[2]
        return site in {"cross-site", "same-site"} or (origin != "" and origin != self.headers.get("host"))


@dataclass(frozen=True, slots=True)
class Response:
    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def page(text: str, status: int = 200) -> Response:
    return Response(text.encode("utf-8", "replace"), status=status)


def as_json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), "application/json", status)


def redirect(to: str) -> Response:
    return Response(status=303, headers={"location": to})


def request_of(scope: Scope) -> Request:
    query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=50)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query={name: values[-1] for name, values in query.items()},
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
    )


async def respond(send: Send, response: Response, *, with_body: bool) -> None:
    headers = {
        "content-type": response.kind,
        "content-length": str(len(response.body)),
        "content-security-policy": PAGE_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        **response.headers,
    }
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body if with_body else b""})
