"""Where an embedded server's socket lies: a private folder with a short name in the temporary folder."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from embedded.failures import ServerFailed

# A socket's whole path has at most 107 bytes (unix(7)); this leaves room for the file's name.
_LONGEST_FOLDER = 80


def socket_dir_for(data_dir: Path, server: str) -> Path:
    """The same folder for every spelling of the data directory's path. Nothing is created."""
    digest = hashlib.blake2b(os.fsencode(data_dir.resolve()), digest_size=8).hexdigest()
    name = f"lettershop-{server}-{digest}"
    folder = Path(tempfile.gettempdir()).resolve() / name
    return folder if len(os.fsencode(folder)) <= _LONGEST_FOLDER else Path("/tmp") / name


def make_private(folder: Path, *, uid: int, gid: int) -> None:
    """Create the folder, for this user alone. Raises ServerFailed if somebody else has put it there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _strange(folder) from error
    try:
        found = os.fstat(fd)
        # Root can take it away from its owner, who may have used the same data before.
        if os.geteuid() != 0 and found.st_uid not in {os.geteuid(), uid}:
            raise _strange(folder)
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(fd, uid, gid)
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.fchmod(fd, 0o700)
    finally:
        os.close(fd)


def _strange(folder: Path) -> ServerFailed:
    return ServerFailed(
        f"{folder} belongs to another user or is not a folder.",
        hint="Remove it, or set TMPDIR to a folder of your own.",
    )
