"""All of Django on a real port, in threads of the test; what it shall see must be committed (`live_tenant`)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing to standard error for each request."""


class _Server(ThreadedWSGIServer):
    # Hundreds may come at once: the usual five would have the system reset their connections.
    request_queue_size = 512


@contextmanager
def listening() -> Iterator[int]:
    """The port on which the APIs answer. Each connection has a thread, whose database connection ends with it."""
    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
