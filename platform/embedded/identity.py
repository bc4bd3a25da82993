"""The user a PostgreSQL process runs as. It refuses to run as root, and it wants its user to have a name."""

import ctypes
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_CLONE_NEWUSER = 0x10000000
_NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)


class Identity(Protocol):
    """`uid` and `gid`, as this process sees them, have to own the server's files."""

    @property
    def uid(self) -> int: ...

    @property
    def gid(self) -> int: ...

    def enter(self) -> None:
        """Become it; called in the child between fork and exec. Raises OSError where it is not allowed."""


@dataclass(frozen=True, slots=True)
class SameUser:
    """The user who runs this process."""

    uid: int
    gid: int

    def enter(self) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class OwnNamespace:
    """The same user, called `nobody` inside a user namespace: no file has to change hands."""

    uid: int
    gid: int

    def enter(self) -> None:
        if _libc.unshare(_CLONE_NEWUSER):
            raise OSError(ctypes.get_errno(), "no user namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_NOBODY} {self.uid} 1")
        Path("/proc/self/gid_map").write_text(f"{_NOBODY} {self.gid} 1")


@dataclass(frozen=True, slots=True)
class Nobody:
    """The system's user `nobody`, which only root can become; the files have to be given to it."""

    uid: int = _NOBODY
    gid: int = _NOBODY

    def enter(self) -> None:
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)


def possible_identities() -> Sequence[Identity]:
    """What to try, the best first. Default container profiles forbid new user namespaces."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        return [OwnNamespace(uid, gid), Nobody()]
    if _has_name(uid):
        return [SameUser(uid, gid)]
    return [OwnNamespace(uid, gid), SameUser(uid, gid)]


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
