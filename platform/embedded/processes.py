"""Linux processes: children that die with their parent, and who a process id belongs to."""

import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded now: between fork and exec nothing may be loaded any more.
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, safe against its number being given to another one later."""

    pid: int
    started: int  # clock ticks after boot

    def is_alive(self) -> bool:
        """False also for a zombie: it has ended, whoever may still have to collect it."""
        stat = _stat(self.pid)
        return stat is not None and stat.started == self.started and stat.state not in "ZX"


def identify(pid: int) -> ProcessIdentity | None:
    """None if there is no such process."""
    stat = _stat(pid)
    return ProcessIdentity(pid, stat.started) if stat else None


def dies_with_parent(death_signal: signal.Signals, enter: Callable[[], None] | None = None) -> Callable[[], None]:
    """A `preexec_fn`: the child gets `death_signal` as soon as the thread that started it ends.

    So it has to be started by a thread that lives as long as the process: the main thread. `enter`
    changes the child's user before, because the kernel forgets the wish when the user changes.
    """
    parent = os.getpid()

    def in_child() -> None:
        if enter is not None:
            enter()
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the wish was made
            os._exit(1)

    return in_child


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process, not of process 1."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> dict[int, bool]:
    """The ids of this process's children; the value tells whether it has ended and waits to be collected."""
    me = os.getpid()
    found: dict[int, bool] = {}
    for entry in os.listdir("/proc"):
        stat = _stat(int(entry)) if entry.isdigit() else None
        if stat is not None and stat.parent == me:
            found[int(entry)] = stat.state in "ZX"
    return found


def arguments_of(pid: int) -> list[str]:
    """The command line of a process; [] if there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    """See proc(5): the name, in parentheses, may itself hold spaces and parentheses."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return _Stat(state=fields[0], parent=int(fields[1]), started=int(fields[19]))
