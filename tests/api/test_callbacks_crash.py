"""Couriers that are killed, and news that nobody called for: real processes, a real broker's tasks."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from api.callbacks.models import Delivery
from api.callbacks.waking import TASK, wake_where_news_are
from tenants.models import Tenant
from tests.api.callbacks_cast import Receiver, endpoint, news, receiving, turn, waiting_news
from tests.common.web_server import Asked

ROOT = Path(__file__).resolve().parents[2]
COURIER = """
import sys
import django
django.setup()
from api.callbacks.courier import carry
from tenants.scope import tenant_by_slug, tenant_scope
with tenant_scope(tenant_by_slug(sys.argv[1])):
    carry(seconds=600)
"""


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


def start(tenant: Tenant) -> "subprocess.Popen[bytes]":
    name = connection.settings_dict["NAME"]
    environ = os.environ | {
        "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }
    return subprocess.Popen([sys.executable, "-c", COURIER, tenant.slug], cwd=ROOT, env=environ)


def test_a_killed_courier_repeats_only_what_was_in_flight_with_the_same_id(live_tenant: Tenant) -> None:
    receiver, reached, let_go = Receiver(), threading.Event(), threading.Event()
    with receiving(receiver) as server:
        answer = server.respond

        def hold_the_last(asked: Asked) -> None:
            if b'"msg_' in asked.body and b'"code":299' in asked.body:
                reached.set()
                assert let_go.wait(60)
            answer(asked)

        server.respond = hold_the_last
        endpoint(server.url)
        for message in range(40):
            news("sent", message)
        news("sent", 99, code=299)
        process = start(live_tenant)
        try:
            assert reached.wait(60)
            deadline = time.monotonic() + 60
            while Delivery.objects.filter(state="delivered").count() < 40:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        let_go.set()
        held = Delivery.objects.get(message_id=99)
        assert (held.state, held.tries) == ("waiting", 0)
        assert held.lease_until is not None
        assert waiting_news() == 0
        turn()  # its lease still runs
        held.refresh_from_db()
        assert held.state == "waiting"
        Delivery.objects.filter(pk=held.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        turn()
    ids = [asked.headers["webhook-id"] for asked in server.asked]
    assert (len(ids), len(set(ids))) == (42, 41)
    assert ids.count(held.name) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_couriers_of_tenants_with_news_are_started_and_no_others(
    live_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    started: list[tuple[str, str]] = []

    def note(task: str, *, headers: dict[str, str], **_: object) -> None:
        started.append((task, headers["_schema_name"]))

    monkeypatch.setattr("celery.current_app.send_task", note)
    news("sent")
    assert wake_where_news_are() == 0  # nobody listens there
    endpoint("https://hooks.example/")
    started.clear()
    with django_assert_num_queries(2):
        assert wake_where_news_are() == 1
    assert started == [(TASK, "live")]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbound_news")
    assert wake_where_news_are() == 0
