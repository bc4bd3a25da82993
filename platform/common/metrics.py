"""What Prometheus is told, counted over all processes of an installation.

With PROMETHEUS_MULTIPROC_DIR set, each process counts in files of its own there, and whoever is asked adds them up.
Processes of several containers may share the directory. Without it each process tells its own figures only.
"""

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_FOLDED = "folded"
# A directory is worth tidying when it holds this many files: each is read whenever somebody asks.
_MANY_FILES = 24


class _Identity:
    """This process's name in the directory, and a lock that it holds for as long as it lives.

    Process numbers alone are used again, and are the same in every container.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._name = ""
        self._held: IO[bytes] | None = None

    def __call__(self) -> str:
        pid = os.getpid()
        if pid != self._pid:
            self._name, self._held = self._taken(f"{socket.gethostname().replace('_', '-')}-{pid}")
            self._pid = pid
        return self._name

    def _taken(self, name: str) -> tuple[str, IO[bytes]]:
        """The first free name: a child of an earlier process with this number may still hold that one's."""
        for number in count():
            candidate = f"{name}-{number}"
            if held := _locked(_directory() / f"{candidate}.alive"):
                return candidate, held
        raise AssertionError("count() does not end")


def shares_figures() -> bool:
    """Whether this process counts together with others."""
    return bool(os.environ.get(_VARIABLE))


def _directory() -> Path:
    return Path(os.environ[_VARIABLE])


def _locked(path: Path) -> IO[bytes] | None:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


disable_created_metrics()  # type: ignore[no-untyped-call]
if shares_figures():
    _directory().mkdir(parents=True, exist_ok=True)
    values.ValueClass = values.MultiProcessValue(_Identity())  # type: ignore[no-untyped-call]

_registry = CollectorRegistry()

HTTP_REQUESTS = Counter(
    "http_requests_total", "HTTP requests by method, URL pattern and status.", ["method", "route", "status"],
    registry=_registry,
)  # fmt: skip
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds", "Time to the answer of HTTP requests.", ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=_registry,
)  # fmt: skip
EMAIL_SENDS = Counter(
    "email_sends_total", "Outcomes of attempts to hand a mail to a provider.", ["status"], registry=_registry
)
LIMIT_CHECKS = Counter(
    "rate_limit_checks_total", "Calls looked at by the limits: allowed, refused, unavailable.", ["result"],
    registry=_registry,
)  # fmt: skip


def exposition(*more: Collector) -> bytes:
    """All figures as text in format 0.0.4, and those of `more`."""
    told = CollectorRegistry()
    if shares_figures():
        with _alone():
            _fold_dead()
            told.register(_Read(_read()))
    else:
        told.register(_registry)
    for collector in more:
        told.register(collector)
    return bytes(generate_latest(told))


def forget_ended(directory: Path) -> None:
    """Begin anew: remove what processes that are gone have left in the directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in [*directory.glob("*.db"), *directory.glob("*.new")]:
        if not _is_alive(path):
            path.unlink(missing_ok=True)
    for path in directory.glob("*.alive"):
        if held := _locked(path):
            path.unlink(missing_ok=True)
            held.close()


def counts_by(counter: Counter, label: str) -> dict[str, int]:
    """What all processes have counted since the figures began, by one of the labels."""
    if not shares_figures():
        families: Iterable = counter.collect()
    else:
        with _alone():
            families = _read()
    (described,) = counter.describe()
    sums: dict[str, int] = {}
    for family in families:
        for sample in family.samples:
            if sample.name == f"{described.name}_total":
                word = sample.labels[label]
                sums[word] = sums.get(word, 0) + int(sample.value)
    return sums


class _Read(Collector):
    """Figures that were read already: `collect` may be called more than once."""

    def __init__(self, families: Iterable) -> None:
        self._families = list(families)

    def collect(self) -> Iterable:
        return self._families


def _read() -> list:
    """What all processes have counted."""
    collector = MultiProcessCollector(None, str(_directory()))  # type: ignore[no-untyped-call]
    return list(collector.collect())  # type: ignore[no-untyped-call]


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else reads or folds meanwhile."""
    _directory().mkdir(parents=True, exist_ok=True)
    with (_directory() / "reading.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fold_dead() -> None:
    """Add what ended processes have counted to two files for all of them: counters never fall, files do not pile up."""
    files = [path for path in _directory().glob("*.db") if not path.stem.endswith(f"_{_FOLDED}")]
    if len(files) < _MANY_FILES:
        return
    for kind in ("counter", "histogram"):
        dead = [path for path in files if path.stem.startswith(f"{kind}_") and not _is_alive(path)]
        if not dead:
            continue
        into = _directory() / f"{kind}_{_FOLDED}.db"
        fresh = into.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        _write(fresh, [str(path) for path in dead] + ([str(into)] if into.exists() else []), kind)
        fresh.replace(into)
        for path in dead:
            path.unlink()


def _write(fresh: Path, files: list[str], kind: str) -> None:
    sums = MmapedDict(str(fresh))  # type: ignore[no-untyped-call]
    for family in MultiProcessCollector.merge([*files], accumulate=False):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            names, texts = list(sample.labels), list(sample.labels.values())
            key = mmap_key(family.name, sample.name, names, texts, family.documentation)
            sums.write_value(key, sample.value, 0.0)  # type: ignore[no-untyped-call]
    sums.close()  # type: ignore[no-untyped-call]


def _is_alive(path: Path) -> bool:
    held = _locked(path.with_name(path.stem.split("_", 1)[-1] + ".alive"))
    if held is None:
        return True
    # The file stays: a process that begins just now may have opened it.
    held.close()
    return False
