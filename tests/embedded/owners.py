"""Other processes that start embedded servers, as other commands do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ADDRESSES = {"DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"}
ROOT = Path(__file__).resolve().parents[2]

_OWNER = """
import json, os, sys
from pathlib import Path
from embedded.postgres import Postgres
from embedded.valkey import Valkey
name, folder, user = sys.argv[1:4]
if user != "same":
    os.setgroups([]), os.setgid(int(user)), os.setuid(int(user))
try:
    server = {"postgres": Postgres, "valkey": Valkey}[name](Path(folder), fast_and_unsafe=True, start_seconds=20)
    server.start()
except Exception as error:
    print(json.dumps({"error": str(error), "kind": type(error).__name__}), flush=True)
    sys.exit(1)
print(json.dumps({"owned": server.owned, "pid": server.pid, "socket_dir": str(server.socket_dir)}), flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass
class Owner:
    """A process that has started a server, or uses one; `told` is what it says about it."""

    process: subprocess.Popen[str]
    _told: dict[str, object] | None = None

    @property
    def told(self) -> dict[str, object]:
        if self._told is None:
            assert self.process.stdout is not None
            self._told = json.loads(self.process.stdout.readline())
        return self._told

    def finish(self) -> int:
        """Let it stop its server and end; its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)


@contextmanager
def owner(server: str, folder: Path, *, user: int | None = None) -> Iterator[Owner]:
    with python([_OWNER, server, str(folder), "same" if user is None else str(user)]) as process:
        yield Owner(process)


@contextmanager
def python(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs a text and knows our packages; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ(),
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def environ() -> dict[str, str]:
    """For a process that shall find our packages, but not the servers that the tests as a whole run on."""
    path = [str(ROOT), str(ROOT / "platform"), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if name not in _ADDRESSES}
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def is_alive(pid: int) -> bool:
    """False for a zombie: it only waits to be collected by whoever became its parent."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
