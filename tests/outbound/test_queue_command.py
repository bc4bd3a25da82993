"""A9: `manage.py queue status|process|logs|start`."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from outbound.models import ProviderAccount
from outbound.posting.heartbeat import Heartbeat
from outbound.rates import rate_client
from outbound.submission.ids import public_id
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import outcomes, post, rows, standing, waiting
from tests.outbound.submission_cast import take

_ROOT = Path(__file__).resolve().parents[2]
_EMPTY: dict[str, Any] = {"senders": [], "waiting": [], "batches": [], "down": []}


@pytest.fixture(autouse=True)
def _nobody_sends(live_tenant: Tenant) -> None:
    """Senders of other tests, who were not asked to stop, are remembered for some seconds."""
    rate_client(settings.REDIS_URL).delete("posting:senders")


@pytest.fixture
def provider() -> Iterator[Provider]:
    def refuse(verb: str, argument: str) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "nobody@" in argument else None

    with Provider(refuse) as running:
        running.account()
        yield running


def lines(*words: str) -> list[str]:
    """What the command prints for people, of the tenant `live`."""
    said = io.StringIO()
    call_command("queue", *words, "--tenant", "live", stdout=said)
    return said.getvalue().splitlines()


def told(*words: str) -> Any:
    """The one object that it prints for programs."""
    (line,) = lines(*words, "--json")
    return json.loads(line)


def test_a09_status_of_an_empty_queue_says_how_to_get_a_sender() -> None:
    assert told("status") == _EMPTY
    assert lines("status") == ["senders alive: none: start one with manage.py queue start", "", "Nothing waits."]


def test_a09_status_tells_what_waits_who_sends_and_who_is_down(provider: Provider) -> None:
    began = datetime.now(UTC)
    post("ann@example.com", "ben@example.com", priority=1)
    post("cid@example.com", priority=5, delay=timedelta(hours=2))
    batch = take(post("dan@example.com", priority=5))
    ProviderAccount.objects.update(down_since=began, last_error="127.0.0.1:25: connection refused")
    sender = Heartbeat("mail1:7:abc")
    sender.beat()
    answer = told("status")
    assert answer["senders"] == ["mail1:7:abc"]
    counted = [
        {name: one[name] for name in ("tenant", "priority", "waiting", "due", "scheduled", "in_hand")}
        for one in answer["waiting"]
    ]
    assert counted == [
        {"tenant": "live", "priority": 1, "waiting": 2, "due": 2, "scheduled": 0, "in_hand": 0},
        {"tenant": "live", "priority": 5, "waiting": 2, "due": 0, "scheduled": 1, "in_hand": 1},
    ]
    assert abs(datetime.fromisoformat(answer["waiting"][0]["oldest"]) - began) < timedelta(minutes=1)
    later = datetime.fromisoformat(answer["waiting"][1]["next_due"]) - began
    assert timedelta(minutes=119) < later < timedelta(minutes=121)
    (held,) = answer["batches"]
    assert datetime.fromisoformat(held.pop("lease_until")) > began
    assert held == {
        "tenant": "live",
        "batch": batch,
        "owner": "test",
        "provider": "sink",
        "size": 1,
        "open": 1,
        "expired": False,
    }
    (down,) = answer["down"]
    assert (down["tenant"], down["provider"], down["why"]) == ("live", "sink", "127.0.0.1:25: connection refused")
    said = lines("status")
    assert said[0] == "senders alive: mail1:7:abc"
    assert said[2].split()[:4] == ["tenant", "priority", "waiting", "due"]
    assert said[3].split()[:6] == ["live", "1", "2", "2", "0", "0"]
    assert said[5].startswith(f"live: batch {batch} for sink: 1 of 1 open, test, until ")
    assert said[6].startswith("live: sink is down since ")
    sender.end()


def test_a09_process_sends_what_is_due_and_returns(provider: Provider) -> None:
    due = post("ann@example.com", "nobody@example.com")
    later = post("ben@example.com", delay=timedelta(hours=1))
    assert told("process") == {"sent": {"sent": 1, "bounced hard": 1}, "left_over": []}
    assert provider.received == {"ann@example.com": 1}
    assert (standing(due)[2], standing(later)[0]) == ("finished", "scheduled")
    assert rows("SELECT email FROM outbound_queue") == [("ben@example.com",)]
    assert lines("process") == ["Nothing was due."]
    post("cid@example.com")
    assert lines("process") == ["1 sent"]


def test_a09_logs_shows_the_last_outcomes_the_newest_last(provider: Provider, live_tenant: Tenant) -> None:
    assert lines("logs") == ["Nothing was sent yet."]
    first = post("ann@example.com")
    told("process")
    second = post("nobody@example.com")
    told("process")
    names = [public_id(live_tenant.pk, number) for number in (first, second)]
    outcomes_ = told("logs")["outcomes"]
    assert [datetime.fromisoformat(one.pop("at")).tzinfo is not None for one in outcomes_] == [True, True]
    assert outcomes_ == [
        {"tenant": "live", "message": names[0], "state": "sent", "email": "ann@example.com", "code": 250,
         "reason": outcomes_[0]["reason"], "attempts": 1},
        {"tenant": "live", "message": names[1], "state": outcomes_[1]["state"], "email": "nobody@example.com", "code": 550,
         "reason": "5.1.1 no such user", "attempts": 1},
    ]  # fmt: skip
    assert "bounced" in outcomes_[1]["state"]
    (line,) = lines("logs", "1")
    assert line.endswith(f"live  msg_{names[1]}  nobody@example.com  {outcomes_[1]['state']} 550 5.1.1 no such user")


def test_a09_start_sends_what_comes_until_it_is_told_to_end(provider: Provider) -> None:
    post("ann@example.com")
    with _started() as child:
        _until(lambda: provider.received["ann@example.com"] == 1)
        _until(lambda: told("status")["senders"])
        post("ben@example.com")
        _until(lambda: provider.received["ben@example.com"] == 1)
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert said.decode().splitlines() == ["2 sent"]
    assert provider.received == {"ann@example.com": 1, "ben@example.com": 1}
    assert (waiting(), set(outcomes())) == (0, {3})
    assert told("status") == _EMPTY


def test_a09_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(CommandError, match="stop"):
        lines("stop")
    with pytest.raises(CommandError, match="nobody"):
        call_command("queue", "status", "--tenant", "nobody")


def _started() -> "subprocess.Popen[bytes]":
    """`manage.py queue start` for the tests' database."""
    database = settings.DATABASES["default"]
    environ = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@{database['HOST'].replace('/', '%2F')}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "LETTERSHOP_DATA": str(settings.DATA_DIR),
    }
    program = [sys.executable, str(_ROOT / "manage.py"), "queue", "start", "--tenant", "live"]
    return subprocess.Popen(program, env=environ, cwd=_ROOT, stdout=subprocess.PIPE)


def _until(question: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not question():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
