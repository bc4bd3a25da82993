"""All parts of the platform in one process group: one terminal, one Ctrl-C, nothing left behind."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

from embedded.failures import ServerFailed
from embedded.processes import adopt_orphans, children
from embedded.services import Services
from embedded.supervised_child import ChildProcess, SupervisedChild

_QUICK_EXITS = 3
_TURN = 0.5  # seconds
_STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Starts the children in the order given and stops them in the same order: the doors come first.

    A child that ends is started again, later each time; one that ends quickly three times in a row
    stops everything. `services` are watched too, and stopped last. `output` is a file descriptor.
    """

    def __init__(
        self,
        processes: Sequence[ChildProcess],
        *,
        services: Services | None = None,
        output: int = 1,
    ) -> None:
        self._children = [SupervisedChild(spec) for spec in processes]
        self._services = services
        self._output = output
        self._width = max((len(child.spec.name) for child in self._children), default=0)
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._impatient = False
        self._failed = False
        self._look_at_services = 0.0

    def run(self) -> int:
        """Until SIGTERM, SIGINT or SIGHUP: 0. Or until something cannot be kept running: 1.

        A second signal does not wait for the children. Call it from the main thread, once.
        """
        adopt_orphans()
        with self._signals():
            try:
                self._watch()
            finally:
                self._stop_all()
        return 1 if self._failed else 0

    @property
    def stopping(self) -> bool:
        """Whether it has been told to end, or cannot go on."""
        return self._stopping

    # --- while all is well

    def _watch(self) -> None:
        while not self._stopping:
            self._start_due()
            if not self._stopping:
                self._turn()
            for child in self._children:
                self._restart_if_ended(child)
            self._keep_services()

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.running or child.start_at > now or self._stopping:
                continue
            try:
                child.start()
            except OSError as error:
                self._fail(f"{child.spec.name} cannot be started: {error}")
                return
            if child.output is not None:
                self._selector.register(child.output, selectors.EVENT_READ, partial(self._pass_on, child))
            self._say(f"{child.spec.name} started (process {child.pid})")

    def _restart_if_ended(self, child: SupervisedChild) -> None:
        if self._stopping or not child.has_ended():
            return
        status = self._collect(child)
        child.plan_restart(status)
        if child.quick_exits >= _QUICK_EXITS:
            last = "".join(f"\n    {line.decode(errors='replace')}" for line in child.last_lines)
            why = f"{child.spec.name} ended {_QUICK_EXITS} times right after its start, {_told(status)}."
            self._fail(f"{why}{last}")
            return
        pause = max(0.0, child.start_at - time.monotonic())
        self._say(f"{child.spec.name} ended, {_told(status)}; it is started again in {pause:.1f} s")

    def _keep_services(self) -> None:
        if self._services is None or self._stopping or time.monotonic() < self._look_at_services:
            return
        self._look_at_services = time.monotonic() + _TURN
        try:
            for name in self._services.restart_crashed():
                self._say(f"{name} had ended; it has been started again")
        except ServerFailed as error:
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        self._say(f"{why}\nEverything is being stopped.")
        self._failed = True
        self._stopping = True

    # --- the end

    def _stop_all(self) -> None:
        self._stopping = True
        for child in self._children:
            self._stop(child)
        self._end_strays()
        if self._services is not None:
            self._services.stop()
        self._selector.close()

    def _stop(self, child: SupervisedChild) -> None:
        if not child.running:
            return
        self._say(f"{child.spec.name} is being stopped")
        child.terminate()
        deadline = time.monotonic() + child.spec.stop_seconds
        while not child.has_ended():
            if self._impatient or time.monotonic() > deadline:
                self._say(f"{child.spec.name} did not stop in time; it has been killed")
                child.kill()
                deadline = float("inf")
            self._turn()
        self._collect(child)

    def _end_strays(self) -> None:
        """Processes that left their parent's session are ours by now."""
        while strays := self._strays():
            for pid, ended in strays.items():
                if not ended:
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _strays(self) -> dict[int, bool]:
        known = self._services.pids if self._services is not None else set()
        known |= {child.pid for child in self._children if child.pid is not None}
        return {pid: ended for pid, ended in children().items() if pid not in known}

    # --- one turn: output, signals, orphans that have ended

    def _turn(self) -> None:
        for key, _ in self._selector.select(_TURN):
            key.data()

    def _collect(self, child: SupervisedChild) -> int:
        output = child.output
        while lines := child.read_lines():
            self._print(child.spec.name, lines)
        self._listen_no_more(output)
        status = child.collect()
        self._print(child.spec.name, child.last_words())
        return status

    def _pass_on(self, child: SupervisedChild) -> None:
        output = child.output
        self._print(child.spec.name, child.read_lines())
        if child.output is None and output is not None:
            self._print(child.spec.name, child.last_words())
            self._listen_no_more(output)

    def _listen_no_more(self, output: int | None) -> None:
        if output is not None:
            self._selector.unregister(output)

    def _collect_strays(self) -> None:
        for pid, ended in self._strays().items():
            if ended:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals wake the selector; SIGHUP stays ignored where `nohup` has said so."""
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        before = {what: signal.getsignal(what) for what in (*_STOPPING_SIGNALS, signal.SIGCHLD)}
        woken_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for what in _STOPPING_SIGNALS:
            if before[what] is not signal.SIG_IGN:
                signal.signal(what, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ, self._woken_by(reader))
        try:
            yield
        finally:
            for what, handler in before.items():
                signal.signal(what, handler)
            signal.set_wakeup_fd(woken_before)
            reader.close()
            writer.close()

    def _woken_by(self, reader: socket.socket) -> Callable[[], None]:
        def woken() -> None:
            if signal.SIGCHLD in reader.recv(4096):
                self._collect_strays()

        return woken

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._impatient = self._stopping
        self._stopping = True

    # --- what is printed

    def _say(self, text: str) -> None:
        self._print("", text.encode().split(b"\n"))

    def _print(self, name: str, lines: Sequence[bytes]) -> None:
        if not lines:
            return
        prefix = f"{name:<{self._width}} | ".encode()
        with suppress(OSError):  # nobody reads any more, as after `| head`; the work goes on
            rest = memoryview(b"".join(b"%s%s\n" % (prefix, line) for line in lines))
            while rest:
                rest = rest[os.write(self._output, rest) :]


def _told(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
