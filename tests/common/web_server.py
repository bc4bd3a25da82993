"""A real web server on this machine: each path is answered by a function of the test."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """A request as it came in; `answer` sends one back."""

    handler: BaseHTTPRequestHandler
    path: str
    query: dict[str, str]
    body: bytes

    @property
    def headers(self) -> Any:
        return self.handler.headers

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **named}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(data)
        self.handler.wfile.flush()


@dataclass
class WebServer:
    port: int
    asked: list[Asked] = field(default_factory=list)
    respond: Callable[[Asked], None] = lambda asked: asked.answer(404)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def web_server(
    respond: Callable[[Asked], None] | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[WebServer]:
    """Runs until the block ends; `asked` then holds what it was asked, in order."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self, parts.path, query, body)
            running.asked.append(asked)
            self.close_connection = True
            try:
                running.respond(asked)
            except OSError:
                return  # the client has gone, as some tests want it to

        do_GET = do_POST = do_PUT = do_HEAD = _do

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    running = WebServer(server.server_address[1])
    if respond is not None:
        running.respond = respond
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
