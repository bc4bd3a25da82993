"""The real system beside a trial: `manage.py serve` over the trial's own database."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.stage import ROOT, Stage, free_port


@contextmanager
def serve(stage: Stage, *options: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The process and its port, once it is ready; it is drained at the end, and must end with 0."""
    port = free_port()
    argv = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), "--data-dir", str(stage.data)]
    server = subprocess.Popen([*argv, *options], stdout=subprocess.PIPE, text=True)
    _wait_until_ready(server, stage.data / "serve.log")
    try:
        yield server, port
    finally:
        server.send_signal(signal.SIGTERM)
        if server.wait(100) != 0:
            sys.exit(f"serve ended with {server.returncode}")


def processes_below(parent: int) -> list[int]:
    """Its children, their children, and so on."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [parent]
    for pid in found:
        found += [child for child, its_parent in parents.items() if its_parent == pid]
    return found[1:]


def command_of(pid: int) -> bytes:
    """Its command line; b"" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _wait_until_ready(server: "subprocess.Popen[str]", log: Path) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("ready "):
            threading.Thread(target=_keep_log, args=(server.stdout, log), daemon=True).start()
            return
    sys.exit("serve did not become ready")


def _keep_log(output: IO[str], path: Path) -> None:
    """Read on, or the server would stand still when the pipe is full."""
    with path.open("w") as log:
        for line in output:
            log.write(line)
            log.flush()
