"""R9 and the admission of R10: figures are those of the database."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.version import VERSION
from outbound.models import ProviderAccount
from outbound.states import RecipientState
from tenants.models import Tenant
from tenants.services.standing import standings_of
from tests.api.relay_cast import MOMENT, Relay, furnish, number, refusal, relay
from tests.outbound.submission_cast import end, take


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    furnish()
    return relay(acme)


def test_r09_the_server_is_up_since_it_was_started_and_not_since_the_first_call(caller: Relay) -> None:
    said = subprocess.run(["ps", "-o", "etimes=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    assert caller.get("stats").json()["data"]["system"]["uptime_seconds"] >= int(said.stdout) > 0


def test_r09_figures_are_answered_as_printed_and_all_of_them_are_real(caller: Relay) -> None:
    ProviderAccount.objects.create(name="mailgun", host="127.0.0.1", down_since=datetime.now(UTC))
    caller.sent(to=["a@example.com", "b@example.com"])
    caller.sent(scheduling={"send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    take(number(caller.sent()))
    sent, failed = number(caller.sent()), number(caller.sent())
    end(sent, RecipientState.SENT)
    end(failed, RecipientState.BOUNCED_HARD)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET created_at = processed_at - interval '450 ms' WHERE message_id = %s", [sent]
        )
        cursor.execute(
            "UPDATE outbound_submission SET created_at = processed_at - interval '800 ms' WHERE message_id = %s",
            [failed],
        )
    answer = caller.get("stats")
    body = answer.json()
    assert (answer.status_code, set(body), body["success"]) == (200, {"success", "data"}, True)
    data = body["data"]
    assert set(data) == {"system", "queue", "processing", "providers", "rate_limits"}
    assert set(data["system"]) == {"version", "uptime_seconds", "current_time"}
    assert (data["system"]["version"], data["system"]["uptime_seconds"] >= 0) == (VERSION, True)
    assert abs(
        datetime.strptime(data["system"]["current_time"], MOMENT).replace(tzinfo=UTC) - datetime.now(UTC)
    ) < timedelta(minutes=1)
    assert data["queue"] == {"total": 6, "queued": 3, "processing": 1, "sent": 1, "failed": 1, "auth_error": 0}
    assert data["processing"] == {
        "rate_per_minute": 2,
        "avg_processing_time_ms": 625,
        "p95_processing_time_ms": 782,
        "p99_processing_time_ms": 796,
    }
    assert data["providers"] == {
        "gmail": {"status": "healthy", "success_rate": 0.5, "avg_latency_ms": 450},
        "mailgun": {"status": "down", "success_rate": None, "avg_latency_ms": None},
    }
    installation = standings_of(caller.tenant).installation
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    limits = data["rate_limits"]["global"]
    assert set(data["rate_limits"]) == {"global"}
    assert set(limits) == {"used_today", "limit_today", "reset_at"}
    assert limits["reset_at"] == f"{tomorrow}T00:00:00Z"
    assert (limits["used_today"], limits["limit_today"]) == (installation.used, installation.limit)


def test_r09_figures_of_another_workspace_are_not_in_it(caller: Relay, globex: Tenant) -> None:
    caller.sent()
    assert relay(globex).get("stats").json()["data"]["queue"]["total"] == 0
    named = relay(globex).get(f"stats?workspace_id={caller.tenant.workspace_id}")
    assert refusal(named) == (403, "WORKSPACE_ACCESS_DENIED", "workspace_id")


def test_r09_many_messages_cost_as_many_queries_as_one(caller: Relay) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert caller.get("stats").status_code == 200
        # What operators set is remembered for a second, and read again when that is over.
        return sum("tenants_setting" not in query["sql"] for query in seen)

    caller.sent()
    queries()
    of_one = queries()
    for n in range(10):
        ProviderAccount.objects.create(name=f"another {n}", host="127.0.0.1")
        caller.sent()
    assert queries() == of_one


def test_r10_a_server_without_the_door_sends_one_event(caller: Relay) -> None:
    public = caller.sent(to=["a@example.com", "b@example.com"])
    take(number(caller.sent()))
    answer = caller.get("stats/realtime")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    first, second, rest = answer.content.decode().split("\n", 2)
    assert (first, rest) == ("event: metrics", "\n")
    figures = json.loads(second.removeprefix("data: "))
    assert set(figures) == {"timestamp", "emails_per_second", "queue_depth", "active_processors"}
    assert (figures["emails_per_second"], figures["queue_depth"], figures["active_processors"]) == (0, 3, 1)
    end(number(public), RecipientState.SENT, RecipientState.SENT)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET processed_at = clock_timestamp() - interval '2.02 s' WHERE processed_at IS NOT NULL"
        )
    later = json.loads(caller.get("stats/realtime").content.decode().split("data: ")[1])
    assert (later["emails_per_second"], later["queue_depth"]) == (2, 1)


def test_r10_who_may_not_read_is_not_let_in(caller: Relay, acme: Tenant) -> None:
    assert refusal(caller.get("stats/realtime", x_api_key="")) == (401, "AUTH_REQUIRED", None)
    assert refusal(relay(acme, scopes=["send"]).get("stats/realtime"))[:2] == (403, "INSUFFICIENT_PERMISSIONS")
