"""Who owns an embedded server: the process that holds the lock file. Its text says where the server is."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded.processes import ProcessIdentity


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """What the owner tells the other processes about the server it started."""

    server: ProcessIdentity
    owner: int  # process id
    socket_dir: str
    ready: bool


class OwnerLock:
    """An exclusive lock for as long as the server runs; the kernel drops it when the owner ends, however."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        # A forked child shares the lock, and would keep it after its parent has died.
        os.register_at_fork(after_in_child=self._forget)

    @property
    def held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> bool:
        """True if this process has the lock now. Raises PermissionError where the file is another user's."""
        if self.held:
            return True
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def release(self) -> None:
        self._forget()

    def write(self, record: ServerRecord | None) -> None:
        """Only by the owner. In place, because the lock belongs to this file and not to its name."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is not held by this process")
        text = b"" if record is None else json.dumps(asdict(record)).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text, 0)

    def read(self) -> ServerRecord | None:
        """None while nothing, or half a text, stands there."""
        try:
            text = self.path.read_bytes()
            fields = json.loads(text)
            return ServerRecord(**{**fields, "server": ProcessIdentity(**fields["server"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def _forget(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
