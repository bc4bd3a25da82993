"""S8: opens and clicks that one web process answers and records, beside a plain Django view, in one run.

    .venv/bin/python bench/tracking.py [--seconds 8] [--connections 64] [--recipients 100000]

Starts a PostgreSQL of its own in a temporary folder, with all its safety on. Web process, database and load
generator share this machine.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "platform")) if path not in sys.path]

from embedded.services import start_services  # noqa: E402

GOALS = {"open": 7_500, "click": 5_000}
PLAIN, DOORS = "plain Django view", "tracking doors"
APPS = {PLAIN: "bench.naive_tracking:make_app", DOORS: "bench.tracking:make_doors"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--recipients", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tracking-") as folder:
        os.environ |= {
            "LETTERSHOP_DATA": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "WARNING",
            "SECRET_KEY": "bench",
        }
        with start_services(Path(folder), environ=os.environ):
            import django

            django.setup()
            run(options, Path(folder))


def make_doors() -> Any:
    """The app of the web process: bare, without Django's request stack; Django is set up for its settings only."""
    import django

    django.setup()
    from api.public import PublicDoors, UrlSigner
    from outbound.stamping import key_ring

    return PublicDoors(os.environ["DATABASE_URL"], key_ring(), signer=UrlSigner(["bench"]))


def run(options: argparse.Namespace, folder: Path) -> None:
    from bench.tracking_fixture import make

    made = make(recipients=options.recipients)
    files = _paths(made, options.recipients, folder)
    results: dict[tuple[str, str], dict[str, Any]] = {}
    for name, app in APPS.items():
        sent = 0
        with _serving(app) as (process, port):
            for kind, file in files.items():
                sent += _load(port, options.connections, 1, file, made.host)["requests"]  # warm
                results[name, kind] = _measured(made, process.pid, port, options, file)
                sent += results[name, kind]["requests"]
                _say(name, kind, results[name, kind])
        rows = made.recorded()
        print(f"{name}: {sent:,} hits answered, {rows:,} rows durable: {'equal' if rows == sent else 'NOT EQUAL'}")
        made.forget()
    for kind, goal in GOALS.items():
        ours, plain = results[DOORS, kind]["per_second"], results[PLAIN, kind]["per_second"]
        verdict = "reached" if ours >= goal else "MISSED"
        print(
            f"{kind}: {ours:,.0f} requests/s on one process (goal {goal:,}: {verdict}), {ours / plain:.1f} x the plain view's {plain:,.0f}"
        )


def _paths(made: Any, recipients: int, folder: Path) -> dict[str, Path]:
    order = list(range(recipients))
    random.Random(1).shuffle(order)
    files = {kind: folder / kind for kind in GOALS}
    files["open"].write_text("\n".join(f"/o/{made.token(position)}.gif" for position in order))
    files["click"].write_text("\n".join(f"/c/{made.token(position)}/{position % made.links}" for position in order))
    return files


def _measured(made: Any, pid: int, port: int, options: argparse.Namespace, file: Path) -> dict[str, Any]:
    """CPU is counted until the last hit is in the database."""
    from bench.tracking_fixture import cpu_of

    time.sleep(1)
    target = made.recorded()
    web, database = cpu_of(pid), made.database_cpu()
    results = _load(port, options.connections, options.seconds, file, made.host)
    ended = time.monotonic()
    while made.recorded() < target + results["requests"] and time.monotonic() < ended + 10:
        time.sleep(0.05)
    results["lag"] = time.monotonic() - ended
    results["web_us"] = (cpu_of(pid) - web) * 1e6 / results["requests"]
    results["database_us"] = (made.database_cpu() - database) * 1e6 / results["requests"]
    return results


def _say(name: str, kind: str, results: dict[str, Any]) -> None:
    print(
        f"{name}, {kind}: {results['per_second']:,.0f} requests/s, p50 {results['p50_ms']:.1f} ms, p99 {results['p99_ms']:.1f} ms; "
        f"CPU a request: web {results['web_us']:.0f} us, database {results['database_us']:.0f} us; "
        f"all durable {results['lag']:.2f} s after the last answer",
        flush=True,
    )


def _load(port: int, connections: int, seconds: float, file: Path, host: str) -> dict[str, Any]:
    command = [
        sys.executable,
        str(ROOT / "bench/http_load.py"),
        str(port),
        str(connections),
        str(seconds),
        str(file),
        host,
    ]
    results: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    if results["statuses"].keys() - {"200", "302"}:
        raise SystemExit(f"Unexpected answers: {results['statuses']}")
    return results


@contextmanager
def _serving(app: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """SIGTERM at the end: what was counted is in the database when the process is gone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            app,
            "--factory",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
            "--no-proxy-headers",
            "--no-server-header",
            "--loop",
            "uvloop",
            "--http",
            "httptools",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
    )
    try:
        _wait_for(port, process)
        yield process, port
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit("The web process did not start.")


if __name__ == "__main__":
    main()
