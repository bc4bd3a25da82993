"""One server process that this process started: its log, its readiness, its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded.failures import end_of_log
from embedded.identity import Identity
from embedded.processes import dies_with_parent

PAUSE = 0.01  # seconds between two looks at something that is about to happen
_LOG_KEPT = 10 * 1024 * 1024  # bytes; a longer log is put aside at the next start


class ServerProcess:
    """Started when it is made. It gets `death_signal` when this process ends."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str],
        identity: Identity,
        death_signal: signal.Signals,
        log: Path,
    ) -> None:
        self._log = log
        self._written_before = _put_aside_if_long(log)
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=fd,
                stderr=fd,
                env=environ,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the owner, who stops it in its turn
                preexec_fn=dies_with_parent(death_signal, identity.enter),
            )
        finally:
            os.close(fd)
        self.pid = self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[int], bool], deadline: float) -> bool:
        """False if it ended, or was killed because the deadline (monotonic seconds) had passed."""
        while self.is_running():
            if ready(self.pid):
                return True
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(PAUSE)
        return False

    def words(self) -> str:
        """What it has written to its log, or the end of that."""
        return end_of_log(self._log, since=self._written_before)

    def end(self, how: signal.Signals, *, seconds: float) -> None:
        """Wait for its end; when the time is over, kill it: it repairs its files at the next start."""
        if not self.is_running():
            return
        self._process.send_signal(how)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _put_aside_if_long(log: Path) -> int:
    """The size of the log that is left."""
    size = log.stat().st_size if log.exists() else 0
    if size <= _LOG_KEPT:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0
