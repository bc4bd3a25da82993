"""`manage.py serve`: all parts in one process group, ready when it says so, gone when it is told to go."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environ() -> dict[str, str]:
    """Without the servers of this test run: the installation brings its own."""
    told = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "LETTERSHOP_DATA")
    return {key: value for key, value in os.environ.items() if key not in told}


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def serve(data: Path, port: int) -> "subprocess.Popen[str]":
    argv = manage("serve", "--port", str(port), "--data-dir", str(data), "--workers", "1")
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environ())


def wait_ready(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    lines = []
    for line in server.stdout:
        if line.startswith("ready "):
            return line.split()[1]
        lines.append(line)
    pytest.fail("serve ended before it was ready:\n" + "".join(lines))


def get(port: int, path: str, host: str = "localhost") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def test_two_installations_run_side_by_side_and_end_cleanly(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    servers = [serve(tmp_path / str(port), port) for port in ports]
    try:
        for server, port in zip(servers, ports, strict=True):
            assert wait_ready(server) == f"http://127.0.0.1:{port}"
            assert get(port, "/admin/login/") == 200
            assert get(port, "/admin/login/", host="127.0.0.1") == 200
            assert get(port, "/admin/login/", host="nobody.example") == 404
            assert get(port, "/u/" + "A" * 32) == 404
        # A command finds the servers of its data directory running and leaves them running.
        argv = manage("create_tenant", "acme", "--name", "Acme", "--host", "acme.localhost", "--json")
        argv += ["--data-dir", str(tmp_path / str(ports[0]))]
        made = subprocess.run(argv, capture_output=True, text=True, check=True, env=clean_environ())
        assert json.loads(made.stdout)["slug"] == "acme"
        assert get(ports[0], "/admin/login/", host="acme.localhost") == 200
        assert get(ports[1], "/admin/login/", host="acme.localhost") == 404
    finally:
        for server in servers:
            server.send_signal(signal.SIGTERM)
        codes = [server.wait(60) for server in servers]
        for server in servers:
            assert server.stdout is not None
            server.stdout.close()
    assert codes == [0, 0]


def test_a_taken_port_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        server = serve(tmp_path, holder.getsockname()[1])
        output, _ = server.communicate(timeout=60)
    assert server.returncode != 0
    assert "Say another one with --port" in output
    assert "Traceback" not in output
