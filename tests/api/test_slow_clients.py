"""Clients who send or read slowly, before an app with two threads, on a real port."""

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import pytest
import uvicorn
from a2wsgi import WSGIMiddleware

from api.slow_clients import AHEAD, BodyLost, SlowClients
from tenants.models import Tenant
from tests.api.doors import wait_until
from tests.api.test_chunked import send

THREADS = 2
LONG = 60.0
Wsgi = Callable[[dict[str, Any], Any], Any]


class App:
    """Says how long its body was; `/long` says a hundred megabytes. `lost`: bodies that broke off."""

    def __init__(self) -> None:
        self.lost = 0
        self.reading = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        self.reading += 1
        try:
            body = environ["wsgi.input"].read()
        except BodyLost:
            self.lost += 1
            start_response("400 Bad Request", [])
            return iter([b"lost"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"x" * 100_000] * 1_000 if environ["PATH_INFO"] == "/long" else [str(len(body)).encode()])


@contextmanager
def served(app: App, *, patience: float) -> Iterator[int]:
    slow = SlowClients(cast("Any", WSGIMiddleware(cast("Any", app), workers=THREADS)), large=1, patience=patience)
    server = uvicorn.Server(uvicorn.Config(slow, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def begun(port: int, head: str, body: bytes, path: str = "/") -> socket.socket:
    """A request of which no more comes."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode() + body)
    return client


def ask(port: int, body: bytes = b"hello") -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("POST", "/", body)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


@pytest.mark.parametrize("head", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_who_sends_slowly_keeps_nobody_out(head: str) -> None:
    with served(App(), patience=LONG) as port, ExitStack() as many:
        for _ in range(10 * THREADS):
            many.enter_context(begun(port, head, b"2\r\nab"))
        assert ask(port) == (200, b"5")


def test_large_bodies_never_hold_all_threads() -> None:
    app = App()
    with served(app, patience=LONG) as port, ExitStack() as many:
        for _ in range(10 * THREADS):
            many.enter_context(begun(port, f"Content-Length: {AHEAD + 1}", b"ab"))
        wait_until(lambda: app.reading == 1)
        assert ask(port) == (200, b"5")
        assert app.reading == 2


@pytest.mark.parametrize("size", [0, 1, AHEAD, AHEAD + 1, 5 * AHEAD])
def test_bodies_of_every_size_arrive_whole(size: int) -> None:
    with served(App(), patience=LONG) as port:
        assert ask(port, b"x" * size) == (200, str(size).encode())
        pieces = [b"x" * 1000] * (size // 1000)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("POST", "/", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        assert client.getresponse().read() == str(1000 * len(pieces)).encode()
        client.close()


def test_who_sends_too_slowly_is_told_so_and_never_reaches_the_app() -> None:
    app = App()
    with served(app, patience=0.1) as port, begun(port, "Content-Length: 1000", b"ab") as client:
        assert client.makefile("rb").readline() == b"HTTP/1.1 408 Request Timeout\r\n"
        assert app.reading == 0


@pytest.mark.parametrize("head", [f"Content-Length: {AHEAD + 1}", "Transfer-Encoding: chunked"])
def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(head: str) -> None:
    app = App()
    first = b"%x\r\n" % (AHEAD + 1) + b"x" * (AHEAD + 1) + b"\r\n" if "chunked" in head else b"ab"
    with served(app, patience=LONG) as port:
        client = begun(port, head, first)
        wait_until(lambda: app.reading == 1)
        client.close()
        wait_until(lambda: app.lost == 1)
        assert ask(port) == (200, b"5")


def test_who_does_not_read_keeps_nobody_out() -> None:
    app = App()
    with served(app, patience=0.5) as port, ExitStack() as many:
        for _ in range(4 * THREADS):
            many.enter_context(begun(port, "Content-Length: 0", b"", path="/long"))
        wait_until(lambda: app.reading == 4 * THREADS)
        assert ask(port) == (200, b"5")


def test_the_api_refuses_a_body_that_broke_off(acme: Tenant) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise BodyLost("The client left before its body had arrived.")

    answer = send(acme, b"", told={"wsgi.input": Broken()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parse_error")
    answer = send(
        acme, b"", told={"wsgi.input": Broken(), "CONTENT_LENGTH": "20", "HTTP_TRANSFER_ENCODING": "identity"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parse_error")
