"""A7: news reach the customers' endpoints: signed, in order, and once."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from api.callbacks.endpoints import rotate_secret
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.pumping import pump_news
from api.callbacks.wording import Notice, aegis_status
from common.errors import Conflict
from tenants.models import Tenant
from tests.api.callbacks_cast import (
    SECRET,
    Receiver,
    all_due,
    endpoint,
    is_signed,
    news,
    receiving,
    status,
    turn,
    waiting_news,
)
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


def test_a07_an_aegis_endpoint_gets_the_five_fields_and_the_signature_over_the_raw_body(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    endpoint(f"{server.url}/hook", format="aegis")
    at = datetime(2024, 8, 2, 19, 30, tzinfo=UTC)
    news("failed", 7, at=at, attempt=3, code=550, detail={"reason": "550 5.1.1 no such user"})
    turn()
    [asked] = receiver.told
    [body] = receiver.bodies
    assert list(body) == ["message_id", "status", "timestamp", "error", "attempts"]
    assert body["message_id"].startswith("msg_")
    assert len(body["message_id"]) == 30
    assert (body["status"], body["timestamp"]) == ("failed", "2024-08-02T19:30:00+00:00")
    assert (body["error"], body["attempts"]) == ("550 5.1.1 no such user", 3)
    expected = hmac.new(SECRET.encode(), asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["X-Aegis-Signature"] == f"sha256={expected}"
    assert asked.headers["Content-Type"] == "application/json"
    assert is_signed(asked, SECRET)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.last_status, delivery.answer) == ("delivered", 1, 200, "thanks")
    assert delivery.last_error == ""
    assert delivery.duration_ms is not None
    assert waiting_news() == 0


def test_a_standard_endpoint_gets_an_event_with_all_that_is_known(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    endpoint(server.url)
    news("clicked", 7, detail={"url": "https://shop.example/", "by_machine": True})
    turn()
    [body] = receiver.bodies
    assert body["type"] == "message.clicked"
    assert datetime.fromisoformat(body["timestamp"])
    assert body["data"] == {
        "message_id": body["data"]["message_id"],
        "recipient": None,
        "attempts": 0,
        "code": None,
        "error": None,
        "next_try_at": None,
        "url": "https://shop.example/",
        "by_machine": True,
        "campaign_id": None,
        "campaign": None,
        "user": None,
        "metadata": {},
    }
    [asked] = receiver.told
    assert "X-Aegis-Signature" not in asked.headers
    assert asked.headers["webhook-id"] == Delivery.objects.get().name


def test_a_taken_mail_has_no_error_although_the_provider_said_something() -> None:
    assert Notice("sent", timezone.now(), "msg_x", detail={"reason": "250 queued"}).reason is None
    assert Notice("deferred", timezone.now(), "msg_x").reason == "Refused for now."
    assert Notice("deferred", timezone.now(), "msg_x", detail={"reason": "450 later"}).reason == "450 later"


@pytest.mark.parametrize(
    ("kind", "attempt", "word"),
    [
        ("queued", None, "queued"),
        ("sent", 1, "sent"),
        ("delivered", None, "delivered"),
        ("deferred", 1, "deferred"),
        ("bounced", 1, "failed"),
        ("bounced", None, "bounced"),
        ("suppressed", None, "failed"),
        ("cancelled", None, "cancelled"),
        ("in_doubt", 1, "in_doubt"),
    ],
)
def test_what_was_never_sent_is_failed_in_the_words_of_aegis(kind: str, attempt: int | None, word: str) -> None:
    assert aegis_status(Notice(kind, timezone.now(), "msg_x", attempt=attempt)) == word


def test_an_endpoint_hears_only_of_the_kinds_it_chose(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    endpoint(f"{server.url}/some", "sent", "failed")
    endpoint(f"{server.url}/all")
    for kind in ("sent", "opened", "failed"):
        news(kind)
    turn()
    paths = sorted((asked.path, json.loads(asked.body)["type"]) for asked in receiver.told)
    assert paths == [
        ("/all", "message.failed"),
        ("/all", "message.opened"),
        ("/all", "message.sent"),
        ("/some", "message.failed"),
        ("/some", "message.sent"),
    ]
    assert len({asked.headers["webhook-id"] for asked in receiver.told}) == 5


def test_news_become_deliveries_once_and_in_one_statement(acme: Tenant, django_assert_num_queries: object) -> None:
    endpoint("https://hooks.example/one")
    endpoint("https://hooks.example/two", "sent")
    for message in range(50):
        news("sent", message)
        news("opened", message)
    with django_assert_num_queries(3):  # type: ignore[operator]  # with the savepoint around it
        assert pump_news() == 100
    assert pump_news() == 0
    assert (Delivery.objects.count(), waiting_news()) == (150, 0)


def test_a_later_notice_of_a_message_waits_until_the_earlier_one_is_done(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    endpoint(server.url)
    receiver.answers = [status(500)]
    news("sent", 1)
    news("delivered", 1)
    turn()
    assert [body["type"] for body in receiver.bodies] == ["message.sent"]
    news("opened", 1)
    news("sent", 2)
    all_due()
    turn()
    of_first = [
        body["type"]
        for body in receiver.bodies
        if body["data"]["message_id"] == receiver.bodies[0]["data"]["message_id"]
    ]
    assert of_first == ["message.sent", "message.sent", "message.delivered", "message.opened"]
    assert len(receiver.told) == 5


def test_a_replayed_or_altered_call_is_refused_by_the_receiver(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    endpoint(server.url)
    news("sent")
    turn()
    [asked] = receiver.told
    at = int(asked.headers["webhook-timestamp"])
    assert is_signed(asked, SECRET, now=at + 290)
    assert not is_signed(asked, SECRET, now=at + 360)
    asked.body = json.dumps(json.loads(asked.body)).encode()
    assert not is_signed(asked, SECRET)


def test_while_a_secret_is_rotated_both_sign_and_then_only_the_new_one(
    acme: Tenant, server: WebServer, receiver: Receiver
) -> None:
    held = endpoint(server.url, format="aegis")
    _, fresh = rotate_secret(held.pk, grace_seconds=3600)
    news("sent", 1)
    turn()
    Endpoint.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    receiver.secrets = [fresh]
    news("sent", 2)
    turn()
    first, second = receiver.told
    assert is_signed(first, SECRET)
    assert is_signed(first, fresh)
    assert is_signed(second, fresh)
    assert not is_signed(second, SECRET)
    digest = hmac.new(fresh.encode(), first.body, hashlib.sha256).hexdigest()
    assert first.headers["X-Aegis-Signature"] == f"sha256={digest}"
    assert Delivery.objects.filter(state="delivered").count() == 2


def test_a_large_answer_is_cut_and_counts(acme: Tenant, server: WebServer, receiver: Receiver) -> None:
    endpoint(server.url)
    receiver.answers = [status(200, b"x" * 5_000_000)]
    news("sent")
    turn()
    delivery = Delivery.objects.get()
    assert (delivery.state, len(delivery.answer)) == ("delivered", 1024)


def test_there_is_one_courier_of_a_tenant_at_a_time(live_tenant: Tenant, server: WebServer, receiver: Receiver) -> None:
    from_another_session: list[object] = []
    endpoint(server.url)

    def meanwhile(asked: object) -> None:
        connection.set_tenant(live_tenant)  # type: ignore[attr-defined]
        try:
            turn()
        except Conflict as conflict:
            from_another_session.append(conflict)
        finally:
            connection.close()
        asked.answer(200)  # type: ignore[attr-defined]

    receiver.answers = [meanwhile]
    news("sent")
    turn()
    assert len(from_another_session) == 1
    assert len(receiver.told) == 1
