"""Says when the web server accepts requests."""

import http.client
import threading
import time
from collections.abc import Callable


def is_up(host: str, port: int, *, timeout: float = 2.0) -> bool:
    """Whether `/healthz` answers 200."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def when_up(host: str, port: int, then: Callable[[], None], *, patience: float = 120.0) -> threading.Thread:
    """Call `then` in a thread of its own once the server answers; never when it does not in `patience` seconds."""

    def wait() -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if is_up(host, port):
                then()
                return
            time.sleep(0.1)

    thread = threading.Thread(target=wait, name="readiness", daemon=True)
    thread.start()
    return thread


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
