"""Idempotency-Key where the work cannot be undone: one mail, whatever happens, and no transaction while it is sent."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from api.access.key_checks import remembered
from api.ledger.answering import Outside, answered_outside
from api.ledger.calls import Answer, Call
from api.ledger.models import AnsweredCall
from api.v2.campaigns.trials import CampaignTestView
from campaigns.models import Campaign, TestSend
from campaigns.services import testing
from common.database import connect
from common.errors import Conflict
from outbound.models import ProviderAccount
from tenants.models import ApiKey, Tenant
from tests.api.callbacks_cast import Receiver, endpoint, receiving
from tests.api.live import listening
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign
from tests.common.web_server import Asked
from tests.contacts.source_cast import People, people_served, person
from tests.outbound.engine_cast import Provider

ROOT = Path(__file__).resolve().parents[2]
TO = {"addresses": ["ana@example.com"]}
CALL = Call(caller="key:1", key="k", fingerprint=b"f" * 32)
OUTSIDE = Outside(at_most=90, look="Look there.")
# A worker that is killed: it makes the call inside itself, as a web server's thread does.
WORKER = """
import sys
import django
django.setup()
from django.test import Client
path, key, body = sys.argv[1:]
headers = {"host": "localhost", "x-api-key": key, "idempotency-key": "k"}
Client().post(path, body, content_type="application/json", headers=headers)
"""


@dataclass
class Slow:
    """A mail server that waits in the middle of the first mail until it is let go."""

    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    transactions: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, verb: str, argument: str) -> str | None:
        if verb == "BODY":
            self.transactions += open_transactions()
            self.reached.set()
            assert self.let_go.wait(60)
        return None


@pytest.fixture
def tenant(live_tenant: Tenant) -> Iterator[Tenant]:
    try:
        yield live_tenant
    finally:
        connection.set_tenant(live_tenant)
        AnsweredCall.objects.all().delete()
        Campaign.objects.all().delete()
        ApiKey.objects.filter(tenant=live_tenant).delete()
        remembered.forget()


@pytest.fixture
def private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


def open_transactions() -> list[tuple[Any, ...]]:
    """State and last statement of everybody in this database who has one."""
    with connect(application="test") as other:
        return other.execute(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()


def path_of(tenant: Tenant, provider: Provider) -> str:
    campaign = add_campaign(provider=provider.account())
    return f"campaigns/{tenant.pk}/{campaign.pk}/test"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_repetition_while_it_is_sent_does_not_wait_and_no_transaction_is_open(tenant: Tenant) -> None:
    slow, key = Slow(), caller(tenant).key
    with Provider(slow) as provider, listening() as port, ThreadPoolExecutor(1) as threads:
        path = path_of(tenant, provider)

        def post(body: object = TO) -> tuple[int, dict[str, str], Any]:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {
                "Host": "localhost",
                "X-API-Key": key,
                "Idempotency-Key": "k",
                "Content-Type": "application/json",
            }
            line.request("POST", f"/api/v2/{path}", json.dumps(body), headers)
            answer = line.getresponse()
            told = answer.status, dict(answer.getheaders()), json.loads(answer.read())
            line.close()
            return told

        first = threads.submit(post)
        assert slow.reached.wait(60)
        assert slow.transactions == []
        assert not first.done()
        status, headers, body = post()
        assert (status, body["error"]["code"], body["error"]["field"]) == (409, "still_running", "Idempotency-Key")
        assert headers["Retry-After"] == "5"
        status, headers, body = post({"addresses": ["bob@example.com"]})
        assert (status, body["error"]["code"], headers.get("Retry-After")) == (409, "conflict", None)
        slow.let_go.set()
        status, headers, told = first.result()
        assert (status, told["results"][0]["result"], headers.get("Idempotency-Replayed")) == (200, "sent", None)
        status, headers, again = post()
        assert (status, again, headers["Idempotency-Replayed"]) == (200, told, "true")
        assert post({"addresses": ["bob@example.com"]})[0] == 409
        assert dict(provider.received) == {"ana@example.com": 1}
    assert TestSend.objects.count() == 1


def test_many_at_once_are_one_mail(tenant: Tenant) -> None:
    key, together = caller(tenant).key, threading.Barrier(20)

    def call(path: str) -> Any:
        try:
            connection.set_tenant(tenant)
            together.wait()
            return V2(tenant, key).post(path, TO, idempotency_key="k")
        finally:
            connection.close()

    with Provider() as provider, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(call, [path_of(tenant, provider)] * 20))
        assert dict(provider.received) == {"ana@example.com": 1}
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert [answer.get("Idempotency-Replayed") for answer in answers if answer.status_code == 200].count(None) == 1
    assert {code_of(answer) for answer in answers if answer.status_code == 409} <= {(409, "still_running")}


def test_after_a_killed_worker_the_call_is_in_doubt_and_nothing_is_sent_again(tenant: Tenant) -> None:
    slow, client = Slow(), caller(tenant)
    with Provider(slow) as provider:
        path = path_of(tenant, provider)
        name = connection.settings_dict["NAME"]
        environ = os.environ | {
            "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        }
        given = [f"/api/v2/{path}", client.key, json.dumps(TO)]
        worker = subprocess.Popen([sys.executable, "-c", WORKER, *given], cwd=ROOT, env=environ)
        try:
            assert slow.reached.wait(60)
        finally:
            worker.send_signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL
        slow.let_go.set()
        assert code_of(client.post(path, TO, idempotency_key="k")) == (409, "still_running")
        assert CampaignTestView.outside is not None
        later = timezone.now() + timedelta(seconds=CampaignTestView.outside.at_most + 1)
        with time_machine.travel(later, tick=False):
            for _ in range(2):
                answer = client.post(path, TO, idempotency_key="k")
                assert code_of(answer) == (409, "in_doubt")
                assert answer.get("Retry-After") is None
                assert answer.json()["error"]["hint"] == CampaignTestView.outside.look
            assert code_of(client.post(path, {"addresses": ["b@example.com"]}, idempotency_key="k")) == (
                409,
                "conflict",
            )
        assert (TestSend.objects.get().result, provider.server.connections) == ("waiting", 1)
        assert client.post(path, TO, idempotency_key="another").status_code == 200
        assert provider.server.connections == 2


def test_what_is_refused_before_anything_was_sent_may_be_asked_again_with_the_key(acme: Tenant) -> None:
    client = caller(acme)
    with Provider() as provider:
        path = path_of(acme, provider)
        ProviderAccount.objects.update(is_active=False)
        for _ in range(2):
            refused = client.post(path, TO, idempotency_key="k")
            assert (refused.status_code, refused.get("Idempotency-Replayed")) == (422, None)
        assert not AnsweredCall.objects.exists()
        ProviderAccount.objects.update(is_active=True)
        assert client.post(path, TO, idempotency_key="k").json()["results"][0]["result"] == "sent"
        assert dict(provider.received) == {"ana@example.com": 1}


def test_a_fault_before_anything_was_sent_lets_go_of_the_key(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    client = caller(acme)
    with Provider() as provider:
        path = path_of(acme, provider)
        with monkeypatch.context() as patched:
            patched.setattr(testing, "_noted", fail)
            assert client.post(path, TO, idempotency_key="k").status_code == 500
        assert client.post(path, TO, idempotency_key="k").status_code == 200
        assert dict(provider.received) == {"ana@example.com": 1}


def test_after_a_fault_behind_the_mail_the_call_is_in_doubt_at_once(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    client = caller(acme)
    with Provider() as provider:
        path = path_of(acme, provider)
        with monkeypatch.context() as patched:
            patched.setattr(testing, "_record", fail)
            assert client.post(path, TO, idempotency_key="k").status_code == 500
        assert code_of(client.post(path, TO, idempotency_key="k")) == (409, "in_doubt")
        assert dict(provider.received) == {"ana@example.com": 1}


def test_when_the_database_goes_away_behind_the_mail_nobody_is_told_to_send_it_again(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    client = caller(acme)
    with Provider() as provider:
        path = path_of(acme, provider)
        with monkeypatch.context() as patched:
            patched.setattr(testing, "_record", lose)
            for given in ({}, {"idempotency_key": "k"}):
                lost = client.post(path, TO, **given)
                assert (lost.status_code, lost.get("Retry-After")) == (503, None)
                assert "Look whether the test mail came" in lost.json()["error"]["hint"]
        assert code_of(client.post(path, TO, idempotency_key="k")) == (409, "in_doubt")
        assert dict(provider.received) == {"ana@example.com": 2}


def test_what_the_provider_refused_is_an_answer_that_is_kept(acme: Tenant) -> None:
    client = caller(acme)
    with Provider(lambda verb, _: "550 5.1.1 No such user" if verb == "RCPT" else None) as provider:
        path = path_of(acme, provider)
        first, again = (client.post(path, TO, idempotency_key="k") for _ in range(2))
        assert first.json()["results"][0]["result"] == "refused"
        assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
        assert len([command for command in provider.server.commands if command.startswith("RCPT")]) == 1


def test_a_test_of_an_endpoint_is_posted_once_in_no_transaction(tenant: Tenant, private_addresses: None) -> None:
    client, found = caller(tenant, scopes=["webhooks"]), []
    with receiving(Receiver()) as server:
        usual = server.respond

        def respond(asked: Asked) -> None:
            found.append(open_transactions())
            usual(asked)

        server.respond = respond
        path = f"endpoints/{tenant.pk}/{endpoint(server.url).pk}/test"
        first, again = (client.post(path, idempotency_key="k") for _ in range(2))
    assert (first.status_code, again.content, again["Idempotency-Replayed"]) == (200, first.content, "true")
    assert found == [[]]


def test_a_source_is_tried_once_in_no_transaction(tenant: Tenant, private_addresses: None) -> None:
    client, found = caller(tenant), []
    with people_served(People([person(1)])) as server:
        source = client.post("data-sources", {"name": "s", "type": "scraper-pro", "config": {"url": server.url}}).json()
        path, usual = f"data-sources/{tenant.pk}/{source['id']}/test", server.respond

        def respond(asked: Asked) -> None:
            found.append(open_transactions())
            usual(asked)

        server.respond = lambda asked: asked.answer(500)
        away = client.post(path, idempotency_key="k")
        server.respond = respond
        first, again = (client.post(path, idempotency_key="k") for _ in range(2))
    assert (away.status_code, first.status_code) == (503, 200)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert found == [[]]


def test_an_answer_is_forgotten_after_a_day_and_so_is_a_doubt(acme: Tenant) -> None:
    done = Answer(200, {}, "done")
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False) as clock:
        assert answered_outside(CALL, lambda: (Answer(500, {}, ""), True), outside=OUTSIDE) == (
            Answer(500, {}, ""),
            False,
        )
        clock.shift(timedelta(hours=24))
        with pytest.raises(Conflict, match="broke off"):
            answered_outside(CALL, lambda: (done, True), outside=OUTSIDE)
        clock.shift(1)
        assert answered_outside(CALL, lambda: (done, True), outside=OUTSIDE) == (done, False)
        assert answered_outside(CALL, lambda: (Answer(200, {}, "other"), True), outside=OUTSIDE) == (done, True)


@pytest.mark.parametrize(
    ("status", "is_begun", "again"),
    [(200, False, "first"), (200, True, "first"), (422, False, "second"), (422, True, "first"), (429, False, "second"),
     (403, False, "second"), (403, True, "first"), (500, False, "second"), (500, True, None)],
)  # fmt: skip
def test_whether_a_call_may_be_worked_out_again(acme: Tenant, status: int, is_begun: bool, again: str | None) -> None:
    answered_outside(CALL, lambda: (Answer(status, {}, "first"), is_begun), outside=OUTSIDE)
    if again is None:
        with pytest.raises(Conflict, match=OUTSIDE.look):
            answered_outside(CALL, lambda: (Answer(200, {}, "second"), True), outside=OUTSIDE)
    else:
        answer, _ = answered_outside(CALL, lambda: (Answer(200, {}, "second"), True), outside=OUTSIDE)
        assert answer.body == again
