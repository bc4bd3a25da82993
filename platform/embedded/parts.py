"""The parts of a running installation: web, smtpd (bounce mail), sender (single messages), two workers, beat."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from common.metrics import forget_ended
from embedded.supervised_child import ChildProcess

_ROOT = Path(__file__).resolve().parents[2]
# The doctor says so once; the worker would at every start, in a box.
_QUIET = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
# Freed memory stays with the process: without this, glibc gives every 30 KB mail's pages back and takes them again.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "8388608", "MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_TOP_PAD_": "1048576"}
_ERRANDS = 8  # threads, each with a database connection once it was needed
# The name is prometheus_client's.
_FIGURES = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an installation listens, and how many workers send."""

    host: str = "127.0.0.1"
    port: int = 8000
    bounce_port: int = 0  # 0: no bounce door
    web_processes: int = 1
    workers: int = 2


def child_environ(data_dir: Path) -> dict[str, str]:
    """This process's environment, so that children find the project, the services and the data."""
    path = os.pathsep.join([str(_ROOT), str(_ROOT / "platform"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    given = {"PYTHONPATH": path, "LETTERSHOP_DATA": str(data_dir), "DJANGO_SETTINGS_MODULE": "config.settings"}
    return {**os.environ, **given, _FIGURES: str(_figures_dir(data_dir))}


def parts(listening: Listening, *, data_dir: Path) -> list[ChildProcess]:
    """The processes in the order they start, and stop: the doors first. What they count begins anew."""
    forget_ended(_figures_dir(data_dir))
    environ = child_environ(data_dir)
    children = [_web(listening, environ)]
    if listening.bounce_port:
        children.append(_bounce_door(listening, environ))
    # Beat inside the worker would not be started again when it alone dies, and nothing would be looked at again.
    return [*children, _sender(environ), _worker(listening, environ), _errands(environ), _beat(environ, data_dir)]


def _figures_dir(data_dir: Path) -> Path:
    """Where the processes keep what they count for /metrics."""
    return Path(os.environ.get(_FIGURES) or data_dir / "metrics")


def _web(listening: Listening, environ: dict[str, str]) -> ChildProcess:
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application"]
    argv += ["--host", listening.host, "--port", str(listening.port), "--workers", str(listening.web_processes)]
    argv += ["--loop", "uvloop", "--http", "httptools", "--ws", "none", "--lifespan", "on", "--log-level", "warning"]
    argv += ["--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "10", "--backlog", "2048"]
    # Behind a proxy the doors read X-Forwarded-For themselves, when the operator says that there is one.
    return ChildProcess("web", [*argv, "--no-proxy-headers"], environ, stop_seconds=15)


def _bounce_door(listening: Listening, environ: dict[str, str]) -> ChildProcess:
    argv = [sys.executable, "-m", "api.hooks", "--host", listening.host, "--port", str(listening.bounce_port)]
    return ChildProcess("smtpd", argv, environ, stop_seconds=15)


def _sender(environ: dict[str, str]) -> ChildProcess:
    argv = [sys.executable, str(_ROOT / "manage.py"), "queue", "start"]
    return ChildProcess("sender", argv, {**environ, **_MALLOC}, stop_seconds=90)


def _worker(listening: Listening, environ: dict[str, str]) -> ChildProcess:
    argv = _celery_worker("campaigns,validation,mailwizz,warmup", "worker")
    argv += ["--concurrency", str(listening.workers)]
    return ChildProcess("worker", argv, {**environ, **_MALLOC, **_QUIET}, stop_seconds=90)


def _errands(environ: dict[str, str]) -> ChildProcess:
    """A worker for the queue `default` alone: the tick and outgoing webhooks never stand behind slices of campaigns.

    In threads, because most of it waits for others: some are free while imports run, at the price of one process.
    """
    argv = [*_celery_worker("default", "worker-default"), "--pool", "threads", "--concurrency", str(_ERRANDS)]
    return ChildProcess("worker-default", argv, {**environ, **_QUIET}, stop_seconds=90)


def _celery_worker(queues: str, name: str) -> list[str]:
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "--queues", queues]
    argv += ["--loglevel", "warning", "--without-gossip", "--without-mingle"]
    return [*argv, "--hostname", f"{name}-{os.getpid()}@%h"]


def _beat(environ: dict[str, str], data_dir: Path) -> ChildProcess:
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "beat", "--schedule", str(data_dir / "beat")]
    return ChildProcess("beat", [*argv, "--pidfile=", "--loglevel", "warning"], environ, stop_seconds=10)
