"""What survives kill -9: one byte a recipient in a memory-mapped file, one file a lease.

The kernel keeps the pages of a file when the process that wrote them dies, so the bytes are there for whoever
recovers the chunk on the same machine. They do not survive the machine: the header holds the boot id, and a
journal of another boot is not believed.
"""

import mmap
import os
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

_MAGIC = b"LSJ1"
_HEADER = 64


class Mark(IntEnum):
    """What is known of one recipient."""

    UNTOUCHED = 0
    HANDED_OVER = 1  # the body may have left: without a reply it is in doubt
    TAKEN = 2  # the provider answered 2xx
    DEFERRED = 4  # 4xx
    REFUSED = 5  # 5xx


@dataclass(slots=True)
class Journal:
    """The journal of one lease; `marks[i] = Mark.…` costs about 50 ns."""

    path: Path
    marks: memoryview
    _map: mmap.mmap

    @classmethod
    def create(cls, directory: Path, *, chunk_id: int, fence: int, size: int) -> "Journal":
        """A new journal with all marks untouched. Raises OSError when the disk is full or not writable."""
        directory.mkdir(parents=True, exist_ok=True)
        path = _path(directory, chunk_id, fence)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            # Allocated now: a write to a mapped page on a full disk later would kill the process (SIGBUS).
            _allocate(handle, _HEADER + size, path)
            mapped = mmap.mmap(handle, _HEADER + size)
        finally:
            os.close(handle)
        mapped[: len(_MAGIC)] = _MAGIC
        boot = _boot_id()
        mapped[4 : 4 + len(boot)] = boot
        return cls(path, memoryview(mapped)[_HEADER:], mapped)

    def close(self, *, remove: bool) -> None:
        """Let go of the file; `remove` it when every outcome is in the database."""
        self.marks.release()
        self._map.close()
        if remove:
            self.path.unlink(missing_ok=True)


def read_marks(directory: Path, *, chunk_id: int, fence: int) -> bytes | None:
    """The marks that a lease left on this machine since it was started; None when there are none to believe."""
    try:
        content = _path(directory, chunk_id, fence).read_bytes()
    except FileNotFoundError:
        return None
    boot = _boot_id()
    if content[:4] != _MAGIC or content[4 : 4 + len(boot)] != boot:
        return None
    return content[_HEADER:]


def forget(directory: Path, *, chunk_id: int, below_fence: int) -> None:
    """Remove what earlier leases left, once it is in the database."""
    for fence in range(1, below_fence):
        _path(directory, chunk_id, fence).unlink(missing_ok=True)


def _allocate(handle: int, size: int, path: Path) -> None:
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path.parent)) from error


def _path(directory: Path, chunk_id: int, fence: int) -> Path:
    return directory / f"{chunk_id}.{fence}"


def _boot_id() -> bytes:
    return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
