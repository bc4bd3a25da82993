"""What the embedded servers have in common: one owner, any number of users, no life after the owner's."""

import atexit
import os
import signal
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from embedded.failures import ServerFailed, explain_log
from embedded.identity import Identity
from embedded.owner_lock import OwnerLock, ServerRecord
from embedded.processes import ProcessIdentity, identify
from embedded.server_process import PAUSE, ServerProcess
from embedded.socket_dir import make_private, socket_dir_for


class EmbeddedServer(ABC):
    """A server below `data_dir`, reached by a Unix socket only.

    `start()` starts it, or uses the one that another process has running there. Whoever started it is
    its owner: it stops with the owner, even if that is killed.
    """

    name: ClassVar[str]
    slug: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    socket_name: ClassVar[str]

    def __init__(
        self,
        data_dir: Path,
        *,
        fast_and_unsafe: bool = False,
        start_seconds: float = 60,
        stop_seconds: float = 60,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.fast_and_unsafe = fast_and_unsafe
        self.start_seconds = start_seconds
        self.stop_seconds = stop_seconds
        self.files = self.data_dir / self.slug
        self.log = self.data_dir / f"{self.slug}.log"
        self.socket_dir = socket_dir_for(self.data_dir, self.slug)
        self._lock = OwnerLock(self.data_dir / f"{self.slug}.lock")
        self._process: ServerProcess | None = None

    @property
    def owned(self) -> bool:
        """Whether this process started the server, so that stopping it is this process's business."""
        return self._lock.held

    @property
    def pid(self) -> int | None:
        """The process this object has to collect, if it owns one."""
        return self._process.pid if self.owned and self._process is not None else None

    @property
    def socket_path(self) -> Path:
        return self.socket_dir / self.socket_name

    def start(self) -> None:
        """Make sure that it runs. Raises ServerFailed; call it from the main thread."""
        if threading.current_thread() is not threading.main_thread():
            # The kernel ties a child's life to the thread that started it.
            raise RuntimeError(f"{self.name} has to be started by the main thread")
        self._make_data_dir()
        deadline = time.monotonic() + self.start_seconds
        while not self._take():
            if self._use_running():
                return
            if time.monotonic() > deadline:
                raise self._unreachable()
            time.sleep(PAUSE)
        if self.is_running():
            return
        try:
            self._start_own(deadline)
        except OSError as error:
            self._end_own(signal.SIGKILL)
            raise explain_log(self.name, self.data_dir, str(error)) from error
        except BaseException:
            self._end_own(signal.SIGKILL)
            raise

    def stop(self) -> None:
        """Stop it in good order and wait for its end. Does nothing in a process that only uses it."""
        if self.owned:
            self._end_own(self.stop_signal)

    def restart(self) -> None:
        """Stop and start again, on the same socket. Raises ServerFailed if another process owns it."""
        if not self.owned:
            raise ServerFailed(
                f"{self.name} in {self.data_dir} was started by another process.", hint="Restart that one."
            )
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory runs out. `start()` repairs and starts again."""
        if self.owned and self._process is not None:
            self._process.kill()

    def is_running(self) -> bool:
        """For an owner: whether the process lives; for the others: whether it takes connections."""
        if self.owned:
            return self._process is not None and self._process.is_running()
        return self._takes_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make program and files fit for a start; no other server is using the files."""

    @abstractmethod
    def _argv(self) -> Sequence[str]: ...

    @abstractmethod
    def _is_ready(self, pid: int) -> bool: ...

    @abstractmethod
    def _identity(self) -> Identity: ...

    def _environ(self) -> Mapping[str, str]:
        return {**os.environ, "LC_MESSAGES": "C"}

    def _start_again_after(self, words: str) -> bool:
        """Whether what stopped the start goes away by itself."""
        return False

    # --- who owns it

    def _make_data_dir(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except PermissionError as error:
            raise self._forbidden() from error
        except OSError as error:
            raise explain_log(self.name, self.data_dir, str(error)) from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise self._forbidden()

    def _take(self) -> bool:
        try:
            return self._lock.acquire()
        except PermissionError as error:
            raise self._forbidden() from error
        except OSError as error:
            raise explain_log(self.name, self.data_dir, str(error)) from error

    def _use_running(self) -> bool:
        record = self._lock.read()
        if record is None or not record.ready:
            return False
        self.socket_dir = Path(record.socket_dir)
        return self._takes_connections()

    def _takes_connections(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_path))
            except OSError:
                return False
        return True

    # --- the owner's work

    def _start_own(self, deadline: float) -> None:
        record = self._lock.read()
        if record is not None:
            self._end_predecessor(record.server)
        self._prepare()
        identity = self._identity()
        self._make_socket_dir(identity)
        atexit.register(self.stop)
        while True:
            process = self._launch(identity)
            if process.wait_until(self._is_ready, deadline):
                self._record(process, ready=True)
                return
            if time.monotonic() > deadline or not self._start_again_after(process.words()):
                raise explain_log(self.name, self.data_dir, process.words())
            time.sleep(PAUSE)

    def _end_predecessor(self, server: ProcessIdentity) -> None:
        """Its owner was killed, so it is about to stop; two servers must never share the files."""
        deadline = time.monotonic() + self.stop_seconds
        if server.is_alive():
            os.kill(server.pid, self.stop_signal)
        while server.is_alive():
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"An earlier {self.name}, process {server.pid}, still uses {self.data_dir}.",
                    hint=f"It does not stop: end it with `kill -9 {server.pid}` and start again.",
                )
            time.sleep(PAUSE)

    def _make_socket_dir(self, identity: Identity) -> None:
        make_private(self.socket_dir, uid=identity.uid, gid=identity.gid)
        for left_behind in self.socket_dir.iterdir():
            left_behind.unlink()

    def _launch(self, identity: Identity) -> ServerProcess:
        self._process = ServerProcess(
            self._argv(),
            environ=self._environ(),
            identity=identity,
            death_signal=self.stop_signal,
            log=self.log,
        )
        self._record(self._process, ready=False)
        return self._process

    def _record(self, process: ServerProcess, *, ready: bool) -> None:
        server = identify(process.pid)
        if server is not None:
            self._lock.write(ServerRecord(server, os.getpid(), str(self.socket_dir), ready))

    def _end_own(self, how: signal.Signals) -> None:
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.end(how, seconds=self.stop_seconds)
            self._process = None
            with suppress(OSError):  # a killed server leaves its socket in it
                self.socket_dir.rmdir()
        self._lock.write(None)
        self._lock.release()

    # --- what to say

    def _forbidden(self) -> ServerFailed:
        return ServerFailed(
            f"You may not write to the data directory {self.data_dir}, where {self.name} keeps its files.",
            hint="Run this as the user who owns it, or choose another directory with --data-dir.",
        )

    def _unreachable(self) -> ServerFailed:
        record = self._lock.read()
        who = f"process {record.owner}" if record else "another process"
        return ServerFailed(
            f"{self.name} in {self.data_dir} is held by {who}, but {self.socket_path} does not answer.",
            hint="Stop that process (it may run in another container) and start again.",
        )
