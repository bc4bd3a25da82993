"""A4: `GET /status`, without a key, of the whole installation."""

import platform
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from api.aegis.process import human_size, in_words
from api.aegis.status import forget_queue
from outbound.posting.heartbeat import Heartbeat
from outbound.rates import rate_client
from tenants.models import Tenant
from tests.api.clients.cast import Program, make_ready, program

HELLO: dict[str, Any] = {"to": "ann@example.com", "subject": "Hello", "body": "12345"}


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    forget_queue()
    yield
    forget_queue()


@pytest.fixture
def shop(live_tenant: Tenant) -> Program:
    make_ready()
    return program(live_tenant, "/send")


def test_a04_the_status_of_the_installation(shop: Program) -> None:
    answer = shop.get("/status", x_api_key="")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"service", "version", "timestamp", "uptime", "queue", "workers", "environment"}
    assert (body["service"], body["version"]) == ("Aegis Mailer", "0.1.0")
    assert body["uptime"].split()[0].endswith("d")
    assert body["queue"] == {
        "pending_messages": 0,
        "lock_files": 0,
        "total_size_bytes": 0,
        "total_size_human": "0 B",
        "directory": "postgresql",
    }
    assert set(body["workers"]) == {"count", "pids", "status"}
    environment = body["environment"]
    assert set(environment) == {"python_version", "memory_usage", "memory_peak", "memory_limit"}
    assert environment["python_version"] == platform.python_version()
    assert 0 < environment["memory_usage"] <= environment["memory_peak"] + (64 << 20)
    assert isinstance(environment["memory_limit"], str)


def test_a04_what_waits_is_counted(shop: Program) -> None:
    for _ in range(3):
        assert shop.send(HELLO).status_code == 202
    forget_queue()
    queue = shop.get("/status").json()["queue"]
    assert (queue["pending_messages"], queue["total_size_bytes"], queue["total_size_human"]) == (3, 15, "15 B")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_batch (owner, lease_until, provider_id, size) VALUES ('a', now(), 1, 2)"
            ", ('b', now(), 1, 2)"
        )
        cursor.execute("SELECT max(message_id) FROM outbound_submission")
        cursor.execute("UPDATE outbound_submission SET state = 'sent' WHERE message_id = %s", cursor.fetchone())
    assert shop.get("/status").json()["queue"] == queue, "it is not counted for everybody who asks"
    forget_queue()
    queue = shop.get("/status").json()["queue"]
    assert (queue["pending_messages"], queue["lock_files"]) == (2, 2)


def test_a04_workers_are_those_that_are_alive(shop: Program) -> None:
    # Senders of other tests that were killed are taken for alive for a while.
    rate_client(settings.REDIS_URL).delete("posting:senders")
    assert shop.get("/status").json()["workers"] == {"count": 0, "pids": [], "status": "stopped"}
    senders = [Heartbeat(f"machine:{pid}:cafe") for pid in (12345, 77)]
    for sender in senders:
        sender.beat()
    assert shop.get("/status").json()["workers"] == {"count": 2, "pids": [77, 12345], "status": "running"}
    for sender in senders:
        sender.end()
    assert shop.get("/status").json()["workers"]["status"] == "stopped"


@override_settings(REDIS_URL="redis://127.0.0.1:1/0")
def test_a04_without_redis_it_is_not_known_who_works(shop: Program) -> None:
    answer = shop.get("/status")
    assert (answer.status_code, answer.json()["workers"]["status"]) == (200, "unknown")


def test_a04_it_names_no_tenant(shop: Program) -> None:
    said = shop.get("/status").content.decode()
    assert "live" not in said
    assert str(settings.ENGINE_JOURNAL_DIR) not in said


def test_a04_without_the_database_it_is_503(shop: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.health.probes.conninfo", lambda: "host=127.0.0.1 port=1")
    answer = shop.get("/status")
    assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_times_and_sizes_are_said_as_in_the_reference() -> None:
    assert in_words(2 * 86_400 + 14 * 3_600 + 23 * 60 + 59) == "2d 14h 23m"
    assert [human_size(size) for size in (0, 1023, 1024, 1536, 5 << 20, 3 << 40, 3 << 50)] == [
        "0 B", "1023 B", "1 KB", "1.5 KB", "5 MB", "3 TB", "3072 TB",
    ]  # fmt: skip
