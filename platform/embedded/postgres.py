"""The embedded PostgreSQL: programs from a Python package, files in the data directory, no network port."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from embedded.failures import ServerFailed, explain_log
from embedded.identity import Identity
from embedded.postgres_binaries import VERSION, Installation, find_installation, packaged_programs
from embedded.postgres_settings import memory_of_machine, settings_for
from embedded.processes import arguments_of
from embedded.server import EmbeddedServer
from embedded.server_process import PAUSE

_USER = "postgres"
_PORT = 5432  # there is none, but the socket's name has it, and PGPORT must not change it
_INITDB_SECONDS = 300
_CREATION_SECONDS = 30
# psql quotes the name, and runs the statement that it gets as an answer.
_CREATE_DATABASE = """
SELECT format('CREATE DATABASE %I', :'name')
WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = :'name') \\gexec
"""
_ANOTHER_CREATES = ("already exists", "duplicate key", "is being accessed by other users")


class Postgres(EmbeddedServer):
    """`settings` stand over the defaults. `fast_and_unsafe` loses data when the machine fails: for tests.

    `identities` says as which user to try to run it; by default all that are possible are tried.
    """

    name: ClassVar[str] = "PostgreSQL"
    slug: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": open connections are ended
    socket_name: ClassVar[str] = f".s.PGSQL.{_PORT}"

    def __init__(
        self,
        data_dir: Path,
        *,
        fast_and_unsafe: bool = False,
        settings: Mapping[str, str] | None = None,
        identities: Sequence[Identity] | None = None,
        start_seconds: float = 60,
        stop_seconds: float = 60,
    ) -> None:
        super().__init__(
            data_dir, fast_and_unsafe=fast_and_unsafe, start_seconds=start_seconds, stop_seconds=stop_seconds
        )
        defaults = settings_for(memory_of_machine(), fast_and_unsafe=fast_and_unsafe)
        self._settings = {**defaults, **(settings or {})}
        self._identities = identities
        self._found: Installation | None = None

    def url(self, database: str) -> str:
        """`postgres://postgres@%2Ftmp%2F...:5432/name`, as libpq, Django and dj-database-url read it."""
        return f"postgres://{_USER}@{quote(str(self.socket_dir), safe='')}:{_PORT}/{quote(database, safe='')}"

    def create_database_if_missing(self, name: str) -> None:
        """Also right when several processes do it at once. Raises ServerFailed."""
        deadline = time.monotonic() + _CREATION_SECONDS
        while words := self._run_psql(_CREATE_DATABASE, name):
            if time.monotonic() > deadline or not any(reason in words for reason in _ANOTHER_CREATES):
                raise ServerFailed(f"The database {name} could not be created.", hint=words)
            time.sleep(PAUSE)

    # --- what EmbeddedServer asks for

    def _prepare(self) -> None:
        self._found = find_installation(self._identities)
        self._give_files_to(self._found.identity)
        if not (self.files / "PG_VERSION").exists():
            self._initialise(self._found)
        self._check_version()
        self._clear_stale_pid_file()

    def _identity(self) -> Identity:
        return self._installation().identity

    def _argv(self) -> Sequence[str]:
        settings = {**self._settings, "unix_socket_directories": str(self.socket_dir), "port": str(_PORT)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._installation().bin_dir / "postgres"), "-D", str(self.files), *options]

    def _environ(self) -> Mapping[str, str]:
        # PGDATA, PGOPTIONS and their like are meant for other servers.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
        return {**kept, "LC_MESSAGES": "C", "TZ": "UTC"}

    def _is_ready(self, pid: int) -> bool:
        """The file is written line by line: its 1st line is the process, its 8th the state."""
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _start_again_after(self, words: str) -> bool:
        # After a kill -9 the old server's children need a moment to notice and end.
        return "pre-existing shared memory block" in words

    # --- private steps

    def _run_psql(self, script: str, name: str) -> str:
        """What went wrong; "" if nothing did."""
        argv = [str(packaged_programs() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}"]
        done = subprocess.run(
            [*argv, self.url("postgres")],
            input=script,
            env=self._environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        return "" if done.returncode == 0 else done.stderr.strip() or f"psql: exit status {done.returncode}"

    def _installation(self) -> Installation:
        if self._found is None:
            raise RuntimeError("the programs are looked for when the server is started")
        return self._found

    def _give_files_to(self, identity: Identity) -> None:
        if os.geteuid() != 0:
            return
        if identity.uid != 0:
            self.data_dir.chmod(self.data_dir.stat().st_mode | 0o011)
        if not self.files.exists() or self.files.stat().st_uid == identity.uid:
            return
        for folder, _, names in os.walk(self.files):
            for name in (".", *names):
                os.chown(Path(folder) / name, identity.uid, identity.gid, follow_symlinks=False)

    def _initialise(self, found: Installation) -> None:
        """In a folder that gets its name at the end: an interrupted start leaves nothing half done."""
        if self.files.exists() and any(self.files.iterdir()):
            raise ServerFailed(
                f"{self.files} has files in it, but they are not a PostgreSQL database.",
                hint="Move them away, or choose another data directory with --data-dir.",
            )
        fresh = self.files.with_name(f"{self.slug}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            fresh.mkdir(mode=0o700)
            os.chown(fresh, found.identity.uid, found.identity.gid)
            self._run_initdb(found, fresh)
            fresh.rename(self.files)
        except OSError as error:
            raise explain_log(self.name, self.data_dir, str(error)) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _run_initdb(self, found: Installation, folder: Path) -> None:
        argv = [str(found.bin_dir / "initdb"), "-D", str(folder), "-U", _USER, "-A", "trust", "-E", "UTF8"]
        # The built-in provider sorts and changes case alike on every machine; the parser of the text
        # search goes by the system's locale, where C.UTF-8 is the one that is always there.
        argv += ["--locale-provider=builtin", "--locale=C.UTF-8", "--text-search-config=simple"]
        argv += ["--no-sync"] if self.fast_and_unsafe else []
        done = subprocess.run(
            argv,
            preexec_fn=found.identity.enter,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=_INITDB_SECONDS,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise explain_log(self.name, self.data_dir, done.stdout + done.stderr)

    def _check_version(self) -> None:
        version = (self.files / "PG_VERSION").read_text().strip()
        if version != VERSION:
            words = f"{self.files} was initialized by PostgreSQL version {version}, this is {VERSION}"
            raise explain_log(self.name, self.data_dir, words)

    def _clear_stale_pid_file(self) -> None:
        """After a crash its number may meanwhile be another program's, for which PostgreSQL would wait.

        In every other case the file stays: PostgreSQL uses it to find children of a killed server.
        """
        lines = self._pid_file_lines()
        if not lines or not lines[0].isdigit():
            return
        arguments = arguments_of(int(lines[0]))
        if any(arguments) and str(self.files) not in arguments:
            (self.files / "postmaster.pid").unlink()

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.files / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []
