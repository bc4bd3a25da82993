"""Probes together: run side by side, each with a time limit, and remembered for a moment."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)

Status = Literal["healthy", "warning", "unhealthy"]
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found, in words that say nothing about hosts, users or secrets: everybody may read them."""

    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What all probes found. A warning does not make an installation unhealthy."""

    findings: Mapping[str, Finding]

    @property
    def is_healthy(self) -> bool:
        return all(finding.status != "unhealthy" for finding in self.findings.values())


class Examination:
    """A set of probes. `report` takes at most `patience` seconds, and asks again only when the last answer is a second
    old: anybody may ask as often as they like."""

    def __init__(
        self,
        probes: Mapping[str, Callable[[], Finding]],
        *,
        patience: float = PROBE_SECONDS,
        remember_seconds: float = 1.0,
    ) -> None:
        self._probes = probes
        self._patience = patience
        self._remember_seconds = remember_seconds
        self._lock = threading.Lock()
        self._last: tuple[float, Report] | None = None
        # Twice as many as needed: one that hangs keeps its thread until the system gives up.
        self._threads = ThreadPoolExecutor(2 * len(probes), thread_name_prefix="health")

    def report(self) -> Report:
        with self._lock:
            now = time.monotonic()
            if self._last is None or now - self._last[0] >= self._remember_seconds:
                self._last = (now, self._examined())
            return self._last[1]

    def forget(self) -> None:
        """Ask again at the next report."""
        with self._lock:
            self._last = None

    def _examined(self) -> Report:
        deadline = time.monotonic() + self._patience
        running = {name: self._threads.submit(probe) for name, probe in self._probes.items()}
        findings: dict[str, Finding] = {}
        for name, future in running.items():
            try:
                findings[name] = future.result(max(0.0, deadline - time.monotonic()))
            except TooLate:
                future.cancel()
                findings[name] = Finding("unhealthy", f"No answer within {self._patience:g} seconds")
            except Exception as error:
                # A probe meets what nobody foresaw; the log has it, the public answer has not.
                log.warning("a health probe failed", extra={"probe": name, "cause": str(error)})
                findings[name] = Finding("unhealthy", "The check failed; the log says why")
        return Report(findings)
