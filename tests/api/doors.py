"""The tracking doors on a real port: as a thread of the test, or as a process that can be killed."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from api.public import PublicDoors, UrlSigner
from common.database import conninfo
from common.tokens import KeyRing
from tests.servers import ROOT

KEYS = KeyRing({1: b"only for the tests of the doors!"}, current=1)
RETIRED = KeyRing({9: b"a key that nobody accepts today."}, current=9)
SIGNER = UrlSigner(["only for tests"])


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Doors:
    port: int
    host: str

    def ask(self, method: str, path: str, *, host: str = "", body: bytes | None = None, **headers: str) -> Reply:
        """Header names with underscores for hyphens. Redirects are not followed."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            client.request(method, path, body, {"Host": host or self.host, **named})
            response = client.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            client.close()


@contextmanager
def doors_in_thread(
    host: str, *, database: str = "", behind_proxy: bool = False
) -> Iterator[tuple[Doors, PublicDoors]]:
    app = PublicDoors(database or conninfo(), KEYS, signer=SIGNER, behind_proxy=behind_proxy)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            access_log=False,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield Doors(server.servers[0].sockets[0].getsockname()[1], host), app
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def doors_in_process(host: str, port: int) -> Iterator[tuple[Doors, "subprocess.Popen[bytes]"]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "tests.api.doors:make_app",
            "--factory",
            "--port",
            str(port),
            "--log-level",
            "warning",
            "--no-proxy-headers",
        ],
        cwd=ROOT,
        env={**os.environ, "DOORS_DATABASE": conninfo(), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
    )
    doors = Doors(port, host)
    try:
        wait_until(lambda: answers(doors))
        yield doors, process
    finally:
        process.kill()
        process.wait()


def make_app() -> PublicDoors:
    return PublicDoors(os.environ["DOORS_DATABASE"], KEYS, signer=SIGNER)


def answers(doors: Doors) -> bool:
    try:
        return doors.ask("GET", "/o/none.gif").status == 404
    except OSError:
        return False


def wait_until(true: "object", seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
