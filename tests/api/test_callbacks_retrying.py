"""A7: what an endpoint does not take is told again, for days; one that takes nothing is left alone."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from api.callbacks import schedule
from api.callbacks.endpoints import pause_endpoint, resume_endpoint
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.pumping import pump_news
from tenants.models import DueWork, Tenant
from tests.api.callbacks_cast import SECRET, Receiver, all_due, endpoint, is_signed, news, one, receiving, status, turn
from tests.common.web_server import WebServer


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver) -> Iterator[WebServer]:
    with receiving(receiver) as running:
        yield running


def test_what_stands_behind_a_given_up_notice_is_sent(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    endpoint(server.url)
    receiver.answers = [status(500)]
    news("sent", 1)
    news("delivered", 1)
    pump_news()
    Delivery.objects.filter(kind="sent").update(tries=len(schedule.WAITS))
    turn()
    assert [body["type"] for body in receiver.bodies] == ["message.sent", "message.delivered"]
    assert dict(Delivery.objects.values_list("kind", "state")) == {"sent": "given_up", "delivered": "delivered"}


def test_recipients_of_a_campaign_do_not_wait_for_each_other(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    endpoint(server.url)
    receiver.answers = [status(500)]
    for position in range(3):
        news("sent", 1, position=position)
    turn()
    assert len(receiver.told) == 3
    assert Delivery.objects.filter(state="delivered").count() == 2


@pytest.mark.parametrize("code", [199 + 102, 400, 401, 404, 429, 500, 503])
def test_whatever_is_not_2xx_is_tried_again(acme: Tenant, server: WebServer, receiver: Receiver, code: int) -> None:
    endpoint(server.url)
    receiver.answers = [status(code, b"not now\0", Location="http://169.254.169.254/")]
    news("sent")
    began = timezone.now()
    turn()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.last_status) == ("waiting", 1, code)
    assert str(code) in delivery.last_error
    assert delivery.answer == "not now "
    assert began + timedelta(seconds=4) < delivery.due_at < timezone.now() + timedelta(seconds=7)
    all_due()
    turn()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.last_error) == ("delivered", 2, "")
    first, second = receiver.told
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_each_try_is_signed_for_its_own_moment(
    acme: Tenant, server: WebServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(server.url)
    receiver.secrets = []
    news("sent")
    turn()
    monkeypatch.setattr("api.callbacks.sending.time.time", lambda: 1_900_000_000.0)
    all_due()
    turn()
    first, second = receiver.told
    assert second.headers["webhook-timestamp"] == "1900000000" != first.headers["webhook-timestamp"]
    assert is_signed(first, SECRET, now=int(first.headers["webhook-timestamp"]))
    assert is_signed(second, SECRET, now=1_900_000_010)


def test_it_goes_on_for_three_days_and_then_gives_up() -> None:
    waits = [schedule.wait_after(tries) for tries in range(1, 13)]
    assert [usual <= (wait or 0) <= usual * 1.2 for usual, wait in zip(schedule.WAITS, waits, strict=True)] == [
        True
    ] * 12
    assert 3 * 86_400 <= sum(wait or 0 for wait in waits) <= 4 * 86_400
    assert schedule.wait_after(13) is None
    assert len({schedule.wait_after(12) for _ in range(20)}) > 10


def test_retry_after_is_waited_for_within_bounds(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    held = endpoint(server.url)
    receiver.answers = [status(503, Retry_After="120")]
    news("sent")
    turn()
    delivery, now = Delivery.objects.get(), timezone.now()
    assert timedelta(seconds=115) < delivery.due_at - now < timedelta(seconds=150)
    held.refresh_from_db()
    assert held.resting_until is not None
    assert held.resting_until > now + timedelta(seconds=110)
    assert (schedule.wait_after(1, asked=10**9) or 0) <= 1.2 * 86_400
    assert (schedule.wait_after(7, asked=1) or 0) >= 7200


def test_410_switches_the_endpoint_off_and_keeps_what_waits(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    held = endpoint(server.url)
    receiver.answers = [status(410)]
    news("sent", 1)
    news("delivered", 1)
    turn()
    held.refresh_from_db()
    assert held.state == "paused"
    assert "410" in held.pause_reason
    assert Delivery.objects.filter(state="waiting").count() == 2
    turn()
    assert len(receiver.told) == 1
    resume_endpoint(held.pk)
    turn()
    assert [body["type"] for body in receiver.bodies] == ["message.sent", "message.sent", "message.delivered"]


def test_an_endpoint_that_takes_nothing_for_a_day_is_paused_with_a_reason(acme: Tenant) -> None:
    held = endpoint("http://127.0.0.1:9999/")
    for message in range(12):
        news("sent", message)
    for _ in range(12):
        turn()
        all_due()
        Delivery.objects.update(tries=1)
    held.refresh_from_db()
    assert (held.state, held.failures >= 10) == ("active", True)
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(hours=25))
    turn()
    held.refresh_from_db()
    assert held.state == "paused"
    assert held.pause_reason.startswith("Nothing was taken for 24 hours.")
    assert "takes no connection" in held.pause_reason
    assert Delivery.objects.filter(state="waiting").count() == 12
    with receiving(Receiver()) as server:
        Endpoint.objects.update(url=server.url)
        resume_endpoint(held.pk)
        turn()
        assert len(server.asked) == 12
    held.refresh_from_db()
    assert (held.state, held.failures, held.pause_reason, held.last_error) == ("active", 0, "", "")


def test_an_endpoint_that_fails_again_and_again_is_asked_less_often(acme: Tenant) -> None:
    held = endpoint("http://127.0.0.1:9999/")
    for message in range(30):
        news("sent", message)
    turn()
    held.refresh_from_db()
    tried = Delivery.objects.filter(tries=1).count()
    assert schedule.RESTS_AFTER <= tried <= schedule.RESTS_AFTER + 4
    assert held.resting_until is not None
    assert held.resting_until > timezone.now()
    assert Delivery.objects.filter(tries=0).count() == 30 - tried
    Endpoint.objects.update(resting_until=None)
    turn()
    assert Delivery.objects.filter(tries__gte=1).count() == tried + 1


def test_a_slow_endpoint_keeps_no_other_waiting(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    let_go, quick = threading.Event(), Receiver()

    def answers_when_the_other_is_done(asked: object) -> None:
        assert let_go.wait(60)
        asked.answer(200)  # type: ignore[attr-defined]

    receiver.answers = [answers_when_the_other_is_done] * 10
    slow = endpoint(server.url)
    with receiving(quick) as second:
        second_respond = second.respond

        def count(asked: object) -> None:
            second_respond(asked)  # type: ignore[arg-type]
            if len(quick.told) == 20:
                let_go.set()

        second.respond = count  # type: ignore[assignment]
        other = endpoint(second.url)
        for message in range(20):
            news("sent", message)
        turn()
    assert Delivery.objects.filter(endpoint=other, state="delivered").count() == 20
    assert Delivery.objects.filter(endpoint=slow, state="delivered").count() == 20


def test_a_paused_endpoint_is_told_nothing_and_keeps_what_waits(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    held = endpoint(server.url)
    news("sent")
    one()
    pause_endpoint(held.pk)
    turn()
    assert receiver.told == []
    resume_endpoint(held.pk)
    turn()
    assert len(receiver.told) == 1


def test_secrets_in_an_answer_are_not_kept(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    endpoint(server.url)
    receiver.answers = [status(500, b'{"password": "hunter2-long", "x": "\x1b[2J\xe2\x80\xae"}')]
    news("sent")
    turn()
    kept = Delivery.objects.get().answer
    assert "hunter2" not in kept
    assert "\x1b" not in kept
    assert "\u202e" not in kept


def test_the_courier_comes_again_when_something_is_due(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    endpoint(server.url)
    receiver.answers = [status(500)]
    news("sent")
    turn()
    due = DueWork.objects.get(task="callbacks.deliver", schema="acme").due_at
    assert abs(due - Delivery.objects.get().due_at) < timedelta(seconds=1)
    Endpoint.objects.all().delete()
    turn()
    assert not DueWork.objects.filter(task="callbacks.deliver").exists()
