"""A whole installation as an operator has it: `manage.py serve` on a port of its own, and a mail server to send to."""

import asyncio
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.embedded.test_serve import ROOT, free_port
from tests.outbound.smtp_server import SmtpServer

_OF_THIS_RUN = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "LETTERSHOP_DATA")
_PATIENCE = 45.0
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Arrived:
    """A mail as the server took it. `at` is time.monotonic()."""

    at: float
    sender: str
    recipient: str
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


class MailServer:
    """A real SMTP server in a thread. `replies`: what it says to RCPT, the next one first, of a recipient."""

    def __init__(self) -> None:
        self.replies: dict[str, list[str]] = {}
        self.pause = 0.0
        self.port = 0
        self._server = SmtpServer(whim=self._whim)
        self._arrived: list[tuple[float, int]] = []
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        self.port = self._server.port
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    @property
    def taken(self) -> list[Arrived]:
        return [
            Arrived(at, self._server.taken[place].sender, self._server.taken[place].recipients[0],
                    self._server.taken[place].body)
            for at, place in list(self._arrived)
        ]  # fmt: skip

    def of(self, recipient: str) -> list[Arrived]:
        return [one for one in self.taken if one.recipient == recipient]

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        async with self._server:
            self._started.set()
            await self._over.wait()

    async def _whim(self, verb: str, argument: str) -> str | None:
        if verb == "BODY":
            self._arrived.append((time.monotonic(), len(self._server.taken) - 1))
            await asyncio.sleep(self.pause)
        waiting = self.replies.get(argument) if verb == "RCPT" else None
        return waiting.pop(0) if waiting else None


@dataclass
class Installation:
    """`with Installation(folder) as site:` serves until the block ends. `environ`: what the operator has set."""

    data: Path
    environ: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    port: int = field(default_factory=free_port)
    said: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if name not in _OF_THIS_RUN}
        self.environ = {**inherited, "SECRET_KEY": secrets.token_urlsafe(48), **self.environ}
        argv = self._argv("serve", "--port", str(self.port), "--workers", str(self.workers))
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environ
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,))
        self._reader.start()
        if not ready.wait(100) or self.process.poll() is not None:
            self.stop()
            raise AssertionError("serve was not ready:\n" + "".join(self.said))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """As an operator ends it: SIGTERM. The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def manage(self, *arguments: str) -> Any:
        """What a command says with --json."""
        done = subprocess.run(
            self._argv(*arguments, "--json"), capture_output=True, text=True, env=self.environ, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def call(
        self, method: str, path: str, *, key: str = "", body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Host": "localhost", **(headers or {})}
            if key:
                sent["X-API-Key"] = key
            if body is not None:
                sent["Content-Type"] = "application/json"
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
        finally:
            connection.close()

    def _argv(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments, "--data-dir", str(self.data)]

    def _read(self, ready: threading.Event) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("ready "):
                ready.set()
        ready.set()


def until(question: Callable[[], T], *, seconds: float = _PATIENCE) -> T:
    """Its first answer that is true. Fails with the last one when none comes."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"it did not come to pass: {answer!r}"
        time.sleep(0.02)
    return answer
