"""What monitors and load balancers are told, with real servers that are really away."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.test import Client, modify_settings, override_settings

from api.health.report import Examination, Finding
from api.health.views import HEALTH, READINESS
from common.database import connection
from common.secrets import seal
from outbound.models import ProviderAccount
from tenants.models import DueWork, Tenant

SECRET = "a secret that nobody will guess, long enough"
FIVE_OF_THE_SEED = ["queue", "config", "smtp_config", "logging", "queue_storage"]


@pytest.fixture(autouse=True)
def _in_the_house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for each in (HEALTH, READINESS):
        monkeypatch.setattr(each, "_patience", 30.0)
    first = ["api.measuring.MeasuringMiddleware", "api.health.WatchDoors"]
    HEALTH.forget()
    READINESS.forget()
    with modify_settings(MIDDLEWARE={"prepend": first}), override_settings(SECRET_KEY=SECRET):
        yield
    HEALTH.forget()
    READINESS.forget()


@pytest.fixture
def provider(live_tenant: Tenant) -> ProviderAccount:
    return ProviderAccount.objects.create(name="p", host="smtp.example", sealed_password=seal("pw", SECRET))


@pytest.fixture
def without_database(live_tenant: Tenant) -> Iterator[None]:
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.DATABASES["default"], "PORT", "1")
        yield
    connection.close()


def ask(path: str, **options: Any) -> Any:
    return Client(raise_request_exception=False).get(path, **options)


def test_a03_health_is_200_when_everything_works(provider: ProviderAccount) -> None:
    answer = ask("/health")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert list(body) == ["status", "timestamp", "version", "checks"]
    assert body["status"] == "healthy"
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    assert body["version"] == "0.1.0"
    assert list(body["checks"]) == [*FIVE_OF_THE_SEED, "database", "redis"]
    assert {check["status"] for check in body["checks"].values()} == {"healthy"}
    assert body["checks"]["queue"] == {"status": "healthy", "message": "Queue system operational"}
    assert body["checks"]["config"] == {"status": "healthy", "message": "Configuration loaded"}
    assert body["checks"]["smtp_config"] == {"status": "healthy", "message": "SMTP configuration present"}
    assert body["checks"]["queue_storage"] == {"status": "healthy", "message": "Queue storage writable"}


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/ready", "/health/ping"])
def test_it_answers_on_every_host_without_a_key(path: str, live_tenant: Tenant) -> None:
    for host in ("10.0.0.7:8000", "unknown.example", "live.testserver", settings.PUBLIC_HOST):
        assert ask(path, headers={"host": host}).status_code == 200


@override_settings(REDIS_URL="redis://127.0.0.1:1/0")
def test_a03_without_redis_it_is_503_and_says_which_check_failed(live_tenant: Tenant) -> None:
    answer = ask("/health")
    assert answer.status_code == 503
    body = answer.json()
    assert body["status"] == "unhealthy"
    assert body["checks"]["redis"] == {"status": "unhealthy", "message": "Redis does not answer"}
    assert body["checks"]["database"]["status"] == "healthy"


def test_a03_without_the_database_it_still_answers(live_tenant: Tenant, without_database: None) -> None:
    answer = ask("/health", headers={"host": "live.testserver"})
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["database"] == {"status": "unhealthy", "message": "The database does not answer"}
    assert checks["queue"]["status"] == checks["smtp_config"]["status"] == "unhealthy"
    assert checks["redis"]["status"] == checks["queue_storage"]["status"] == "healthy"


def test_a03_without_the_broker_the_queue_is_unhealthy(live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_read_url", "redis://127.0.0.1:1/0")
    answer = ask("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["queue"] == {"status": "unhealthy", "message": "The queue cannot be reached"}


def test_a03_work_that_nobody_starts_is_unhealthy(live_tenant: Tenant) -> None:
    due = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    DueWork.objects.create(schema="live", task="t", reference=1, due_at=due)
    answer = ask("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["queue"]["message"] == "Work is overdue: nobody starts it"


def test_a03_a_disk_that_cannot_be_written_is_unhealthy(live_tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with override_settings(ENGINE_JOURNAL_DIR=tmp_path / "file" / "journal"):
        answer = ask("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["queue_storage"] == {"status": "unhealthy", "message": "The disk cannot be written"}


def test_a03_a_password_of_another_installation_is_unhealthy(provider: ProviderAccount) -> None:
    with override_settings(SECRET_KEY=SECRET + "!"):
        answer = ask("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["smtp_config"]["status"] == "unhealthy"


def test_a03_an_installation_without_a_provider_is_new_and_not_broken(live_tenant: Tenant) -> None:
    answer = ask("/health")
    assert answer.status_code == 200
    assert answer.json()["checks"]["smtp_config"]["status"] == "warning"


def test_a03_a_public_address_that_is_none_is_unhealthy(live_tenant: Tenant) -> None:
    with override_settings(PUBLIC_URL="mail.example.com"):
        assert ask("/health").json()["checks"]["config"]["status"] == "unhealthy"


def test_the_answers_name_no_host_path_or_secret(live_tenant: Tenant, without_database: None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with override_settings(
        REDIS_URL="redis://:hunter2@127.0.0.1:1/0", ENGINE_JOURNAL_DIR=tmp_path / "file", PUBLIC_URL="nonsense"
    ):
        told = ask("/health").content.decode() + ask("/health/ready").content.decode()
    for word in ("127.0.0.1", "hunter2", str(tmp_path), "/", SECRET, "Error", "Traceback"):
        assert word not in told


def test_h20_ready_is_200_while_database_redis_and_broker_answer(live_tenant: Tenant) -> None:
    answer = ask("/health/ready")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["status", "timestamp", "checks"]
    assert body["status"] == "ready"
    assert {name: check["status"] for name, check in body["checks"].items()} == {
        "database": "healthy",
        "redis": "healthy",
        "broker": "healthy",
    }


def test_h20_ready_is_503_without_the_database(live_tenant: Tenant, without_database: None) -> None:
    answer = ask("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"
    assert answer.json()["checks"]["database"]["status"] == "unhealthy"


def test_h20_ready_is_503_without_the_broker(live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_read_url", "redis://127.0.0.1:1/0")
    answer = ask("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"]["status"] == "unhealthy"


def test_h22_ping_asks_nobody(without_database: None) -> None:
    answer = ask("/health/ping")
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("status", "message")} == {"status": "ok", "message": "pong"}
    assert datetime.fromisoformat(answer.json()["timestamp"]).utcoffset() is not None


def test_h21_detailed_metrics_tell_of_system_email_domains_and_queues(live_tenant: Tenant) -> None:
    answer = ask("/health/metrics")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == [
        "timestamp", "version", "system", "requests", "email", "domains", "queue", "database", "redis",
    ]  # fmt: skip
    assert body["system"]["memory_bytes"] > 1_000_000
    assert body["system"]["cpu_seconds"] > 0
    assert set(body["email"]) >= {"sent", "deferred", "bounced", "failed"}
    assert body["domains"]["total"] >= 0
    assert set(body["queue"]["waiting"]) == {"default", "campaigns", "validation", "mailwizz", "warmup"}
    assert body["queue"]["due_work"] == {"total": 0, "overdue": 0, "oldest_seconds": 0.0}
    assert body["database"] == body["redis"] == {"up": True}


def test_h21_detailed_metrics_are_not_for_everybody(live_tenant: Tenant) -> None:
    assert ask("/health/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403


def test_only_reading_is_possible(live_tenant: Tenant) -> None:
    answer = Client().post("/health")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert Client().head("/health/ping").status_code == 200


def test_other_paths_that_begin_alike_are_somebody_elses(live_tenant: Tenant) -> None:
    assert ask("/healthy", headers={"host": "live.testserver"}).status_code == 404


def test_a_probe_that_hangs_is_not_waited_for() -> None:
    for_ever = threading.Event()

    def hang() -> Finding:
        for_ever.wait(60)
        return Finding("healthy", "")

    report = Examination({"hangs": hang, "works": lambda: Finding("healthy", "fine")}, patience=1.0).report()
    for_ever.set()
    assert report.findings["hangs"] == Finding("unhealthy", "No answer within 1 seconds")
    assert report.findings["works"].status == "healthy"
    assert not report.is_healthy


def test_many_who_ask_at_once_cost_one_examination() -> None:
    asked: list[int] = []

    def probe() -> Finding:
        asked.append(1)
        return Finding("healthy", "fine")

    examination = Examination({"one": probe}, remember_seconds=60)
    threads = [threading.Thread(target=examination.report) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [1]
    examination.forget()
    examination.report()
    assert asked == [1, 1]


def test_a_probe_that_fails_unforeseen_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Finding:
        raise OSError("10.1.2.3 said no")

    report = Examination({"one": fail}).report()
    assert report.findings["one"] == Finding("unhealthy", "The check failed; the log says why")
    assert "10.1.2.3" in json.dumps([record.__dict__.get("cause", "") for record in caplog.records])
