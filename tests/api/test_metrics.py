"""What Prometheus reads: through HTTP, and added up over real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, modify_settings, override_settings
from prometheus_client.parser import text_string_to_metric_families

from common.metrics import EMAIL_SENDS
from embedded.parts import Listening, child_environ, parts
from tenants.models import Tenant
from tests.api.limits_cast import empty_windows
from tests.api.v2_cast import caller
from tests.servers import ROOT


@pytest.fixture(autouse=True)
def _in_the_house() -> Iterator[None]:
    first = ["api.measuring.MeasuringMiddleware", "api.health.WatchDoors"]
    with (
        modify_settings(MIDDLEWARE={"prepend": first}),
        override_settings(PUBLIC_SCHEMA_URLCONF="tests.api.limits_cast"),
        empty_windows(),
    ):
        yield


def ask(**options: Any) -> Any:
    return Client().get("/metrics", **options)


def figure(text: str, name: str, **labels: str) -> float:
    """Zero when it is not told."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return 0.0


def test_g04_metrics_are_text_that_prometheus_reads(acme: Tenant) -> None:
    EMAIL_SENDS.labels("sent").inc(3)
    answer = ask()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = {family.name: family for family in text_string_to_metric_families(answer.content.decode())}
    kinds = {
        "http_requests": "counter",
        "http_request_duration_seconds": "histogram",
        "email_sends": "counter",
        "rate_limit_checks": "counter",
        "database_up": "gauge",
        "redis_up": "gauge",
        "broker_up": "gauge",
        "due_work": "gauge",
        "queue_waiting_tasks": "gauge",
    }
    assert {name: told[name].type for name in kinds} == kinds
    assert not [name for name in told if name.endswith("_created")]
    assert figure(answer.content.decode(), "email_sends_total", status="sent") >= 3
    assert figure(answer.content.decode(), "database_up") == figure(answer.content.decode(), "redis_up") == 1


def test_g04_requests_are_counted_by_pattern_and_never_by_path(acme: Tenant, settings: Any) -> None:
    settings.API_LIMIT_PER_KEY = 100
    labels = {"method": "GET", "route": "api/v2/probe/<int:tenant_id>", "status": "200"}
    before = ask().content.decode()
    assert caller(acme).get(f"probe/{acme.pk}").status_code == 200
    after = ask().content.decode()
    assert figure(after, "http_requests_total", **labels) == figure(before, "http_requests_total", **labels) + 1
    del labels["status"]
    name = "http_request_duration_seconds_count"
    assert figure(after, name, **labels) == figure(before, name, **labels) + 1
    assert figure(after, "rate_limit_checks_total", result="allowed") > figure(
        before, "rate_limit_checks_total", result="allowed"
    )
    assert f"probe/{acme.pk}" not in after


def test_g04_what_is_nowhere_is_one_figure_however_it_is_called(acme: Tenant) -> None:
    for path, host in (("/a/b/c", "localhost"), ("/x.php", "localhost"), ("/y", "unknown.example")):
        Client().generic("BREW", path, headers={"host": host})
    told = ask().content.decode()
    assert figure(told, "http_requests_total", method="other", route="unmatched", status="404") >= 3
    assert "x.php" not in told
    assert "BREW" not in told


def test_g04_calls_that_a_limit_refused_are_counted(acme: Tenant) -> None:
    before = figure(ask().content.decode(), "rate_limit_checks_total", result="refused")
    client = caller(acme)
    with override_settings(API_LIMIT_PER_KEY=1):
        assert [client.get("probe").status_code for _ in range(3)] == [200, 429, 429]
    assert figure(ask().content.decode(), "rate_limit_checks_total", result="refused") == before + 2


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (200, {"REMOTE_ADDR": "127.0.0.1"}),
        (200, {"REMOTE_ADDR": "::1"}),
        (403, {"REMOTE_ADDR": "192.0.2.1"}),
        (403, {"REMOTE_ADDR": ""}),
        (403, {"REMOTE_ADDR": "127.0.0.1", "headers": {"x-forwarded-for": "192.0.2.1"}}),
        (403, {"REMOTE_ADDR": "127.0.0.1", "headers": {"x-forwarded-for": "127.0.0.1"}}),
        (403, {"REMOTE_ADDR": "127.0.0.1", "headers": {"forwarded": "for=192.0.2.1"}}),
        (200, {"REMOTE_ADDR": "192.0.2.1", "headers": {"authorization": "Bearer of news"}}),
        (403, {"REMOTE_ADDR": "192.0.2.1", "headers": {"authorization": "Bearer of"}}),
        (403, {"REMOTE_ADDR": "192.0.2.1", "headers": {"authorization": "Bearer "}}),
    ],
)
def test_metrics_are_for_this_machine_and_for_the_token(acme: Tenant, status: int, given: dict[str, Any]) -> None:
    with override_settings(METRICS_TOKEN="of news"):
        assert ask(**given).status_code == status


def test_without_a_token_none_is_accepted(acme: Tenant) -> None:
    for word in ("Bearer ", "Bearer", ""):
        assert ask(REMOTE_ADDR="192.0.2.1", headers={"authorization": word}).status_code == 403


# --- several processes

_COUNT = """
import os, sys
from common.metrics import EMAIL_SENDS, HTTP_SECONDS
EMAIL_SENDS.labels("sent").inc(int(sys.argv[1]))
HTTP_SECONDS.labels("GET", "a").observe(0.02)
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        EMAIL_SENDS.labels("sent").inc(100)
        os._exit(0)
    os.wait()
print("counted", flush=True)
sys.stdin.read()
"""
_TELL = "from common.metrics import exposition; print(exposition().decode())"


def run(script: str, directory: Path, *arguments: str) -> "subprocess.Popen[str]":
    environ = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(directory),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
    }
    argv = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def count(directory: Path, amount: int, children: int = 0) -> "subprocess.Popen[str]":
    process = run(_COUNT, directory, str(amount), str(children))
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def told(directory: Path) -> str:
    return run(_TELL, directory).communicate(timeout=60)[0]


def end(process: "subprocess.Popen[str]", how: int = 0) -> None:
    if how:
        process.send_signal(how)
    process.communicate(timeout=30)


def test_figures_of_all_processes_are_added_up_also_of_those_that_ended(tmp_path: Path) -> None:
    ended, living = count(tmp_path, 1), count(tmp_path, 10, children=2)
    end(ended, signal.SIGKILL)
    text = told(tmp_path)
    end(living)
    assert figure(text, "email_sends_total", status="sent") == 211
    assert figure(text, "http_request_duration_seconds_count", route="a") == 2
    assert figure(text, "http_request_duration_seconds_bucket", route="a", le="0.025") == 2
    assert figure(text, "http_request_duration_seconds_bucket", route="a", le="0.01") == 0


def test_files_of_ended_processes_become_two_and_no_figure_changes(tmp_path: Path) -> None:
    living = count(tmp_path, 1_000)
    for _ in range(2):
        end(count(tmp_path, 1, children=12))
        before = len(list(tmp_path.glob("*.db")))
        assert before >= 24
        text = told(tmp_path)
        assert len(list(tmp_path.glob("*.db"))) < 8
        assert told(tmp_path) == text
    assert figure(text, "email_sends_total", status="sent") == 1_000 + 2 * 1_201
    assert figure(text, "http_request_duration_seconds_bucket", route="a", le="0.025") == 3
    assert living.stdin is not None
    end(living)
    assert figure(told(tmp_path), "email_sends_total", status="sent") == 3_402


def test_serve_begins_with_empty_figures_and_tells_its_parts_where_to_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    directory = tmp_path / "metrics"
    directory.mkdir()
    end(count(directory, 5))
    another = count(directory, 7)
    children = parts(Listening(), data_dir=tmp_path)
    assert {child.environ["PROMETHEUS_MULTIPROC_DIR"] for child in children if child.environ} == {str(directory)}
    assert child_environ(tmp_path)["PROMETHEUS_MULTIPROC_DIR"] == str(directory)
    # What another `serve` on the same data still counts is left alone.
    assert figure(told(directory), "email_sends_total", status="sent") == 7
    end(another)
    parts(Listening(), data_dir=tmp_path)
    assert figure(told(directory), "email_sends_total", status="sent") == 0
