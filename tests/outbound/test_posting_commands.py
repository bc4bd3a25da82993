"""`manage.py queue status|process|logs|start`, and what the doctor says about senders."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from outbound.health.work import work_checks
from outbound.posting.heartbeat import Heartbeat
from outbound.posting.sender import start
from outbound.rates import rate_client
from outbound.submission.ids import public_id
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import post, run, send_what_is_due

pytestmark = pytest.mark.usefixtures("live_tenant")


def queue(*words: str) -> str:
    out = StringIO()
    call_command("queue", *words, "--tenant", "live", stdout=out)
    return out.getvalue()


def told(*words: str) -> Any:
    return json.loads(queue(*words, "--json"))


def test_a09_the_queue_is_shown_worked_on_and_told_of(live_tenant: Tenant) -> None:
    def whim(verb: str, argument: str) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "gone@" in argument else None

    with Provider(whim) as provider:
        provider.account()
        message = post("ann@example.com", "gone@example.com", priority=1)
        post("later@example.com", priority=5, delay=timedelta(hours=1))

        (urgent, later) = told("status")["waiting"]
        assert (urgent["tenant"], urgent["priority"], urgent["waiting"], urgent["due"], urgent["scheduled"]) == (
            "live",
            1,
            2,
            2,
            0,
        )
        assert (later["priority"], later["due"], later["scheduled"], later["in_hand"]) == (5, 0, 1, 0)
        assert "in hand" in queue("status")

        assert told("process") == {"sent": {"sent": 1, "bounced hard": 1}, "left_over": []}

        assert provider.received == {"ann@example.com": 1}
    assert [(line["email"], line["state"], line["code"]) for line in told("logs")["outcomes"]] == [
        ("ann@example.com", "sent", 250),
        ("gone@example.com", "bounced hard", 550),
    ]
    assert len(told("logs", "1")["outcomes"]) == 1
    assert f"msg_{public_id(live_tenant.pk, message)}" in queue("logs")
    assert queue("process").strip() == "Nothing was due."
    assert start(stop=lambda: True, only=["live"]).outcomes == {}


def test_the_status_names_accounts_that_are_down_and_what_is_in_hand() -> None:
    with Provider() as provider:
        account = provider.account()
        run("UPDATE outbound_provideraccount SET down_since = now(), last_error = 'no route'")
        post("ann@example.com")
        run(
            "INSERT INTO outbound_batch (owner, lease_until, provider_id, size)"
            " VALUES ('dead:1:x', now() - interval '1 minute', %s, 1)",
            account.pk,
        )
        run("UPDATE outbound_queue SET batch_id = (SELECT id FROM outbound_batch), place = 0")
    status = told("status")
    assert [(one["provider"], one["why"]) for one in status["down"]] == [("sink", "no route")]
    assert [(one["owner"], one["open"], one["expired"]) for one in status["batches"]] == [("dead:1:x", 1, True)]
    words = queue("status")
    assert "sink is down since" in words
    assert "1 of 1 open, dead:1:x, expired" in words


def test_the_doctor_tells_when_mail_waits_and_nobody_sends() -> None:
    # Senders of other tests, who were not asked to stop, are remembered for some seconds.
    rate_client(settings.REDIS_URL).delete("posting:senders")
    assert _doctor().ok or _doctor().warning
    post("ann@example.com", age=timedelta(minutes=1))
    assert not _doctor().ok
    assert "no sender is known to be alive" in _doctor().what
    beat = Heartbeat("host:1:test")
    beat.beat()
    try:
        assert _doctor().ok
        run("UPDATE public.tenants_waitingmail SET due_at = now() - interval '1 hour'")
        assert _doctor().warning
    finally:
        beat.end()
    with Provider() as provider:
        provider.account()
        send_what_is_due()
    assert not any(check.name == "senders" and "are due" in check.what for check in work_checks())


def _doctor() -> Any:
    return {check.name: check for check in work_checks()}["senders"]
