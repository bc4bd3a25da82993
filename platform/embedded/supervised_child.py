"""One child process of the supervisor: its output, its end, and when it is started again."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from embedded.processes import dies_with_parent

_LONGEST_LINE = 64 * 1024  # bytes; a longer one is passed on in pieces
_LINES_KEPT = 15
_ENDED_BY_OTHERS = frozenset({0, -signal.SIGKILL, -signal.SIGTERM})
_LONGEST_PAUSE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """What to start. `environ` is the child's whole environment, by default that of this process.

    `stop_seconds` is how long it may take, after SIGTERM, to finish what it has begun. One that ends
    within `quick_seconds` of its start has failed to start.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] | None = None
    stop_seconds: float = 30
    quick_seconds: float = 5


@dataclass(slots=True)
class SupervisedChild:
    """A child in its own session, so that the terminal's Ctrl-C reaches only the supervisor."""

    spec: ChildProcess
    quick_exits: int = 0
    start_at: float = 0.0  # monotonic seconds; only while it does not run
    last_lines: deque[bytes] = field(default_factory=lambda: deque(maxlen=_LINES_KEPT))
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _rest: bytes = b""
    _silent: bool = False  # it has closed its output

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def output(self) -> int | None:
        """The file descriptor to read from; None when nothing comes any more."""
        if self._process is None or self._process.stdout is None or self._silent:
            return None
        return self._process.stdout.fileno()

    def start(self) -> None:
        """Raises OSError if the program cannot be run."""
        environ = os.environ if self.spec.environ is None else self.spec.environ
        self._process = subprocess.Popen(
            list(self.spec.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PYTHONUNBUFFERED": "1", **environ},
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
        self._silent = False
        self._started_at = time.monotonic()

    def read_lines(self) -> list[bytes]:
        """What it has written since the last call, in whole lines without their ends."""
        output = self.output
        if output is None:
            return []
        with suppress(BlockingIOError):
            while len(self._rest) <= _LONGEST_LINE and not self._silent:
                piece = os.read(output, 65536)
                self._silent = not piece
                self._rest += piece
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        self.last_lines.extend(lines)
        return lines

    def has_ended(self) -> bool:
        """Without collecting it: its number stays its own."""
        if self._process is None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def collect(self) -> int:
        """After its end: end the rest of its session too. The exit status, negative for a signal's number."""
        if self._process is None:
            raise RuntimeError(f"{self.spec.name} does not run")
        self._signal_group(signal.SIGKILL)
        status = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return status

    def last_words(self) -> list[bytes]:
        """The text after the last line end."""
        words, self._rest = [self._rest] if self._rest else [], b""
        self.last_lines.extend(words)
        return words

    def plan_restart(self, status: int) -> None:
        """Later each time it fails quickly: after 0.5, 1, 2, … at most 30 seconds.

        One that was killed or told to end by somebody has not failed to start.
        """
        now = time.monotonic()
        quick = status not in _ENDED_BY_OTHERS and now - self._started_at < self.spec.quick_seconds
        self.quick_exits = self.quick_exits + 1 if quick else 0
        self.start_at = now + min(_LONGEST_PAUSE, 0.25 * 2**self.quick_exits)

    def terminate(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """With all it has started in its session."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, what: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, what)
