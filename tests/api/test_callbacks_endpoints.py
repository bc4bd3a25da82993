"""Outgoing webhooks through API v2: endpoints, their secrets, the log, sending again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.callbacks.kinds import Kind
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.pumping import pump_news
from api.callbacks.sweeping import sweep
from common.errors import Refused
from common.secrets import unseal
from outbound.submission.ids import public_id
from tenants.models import DueWork, Tenant
from tenants.scope import tenant_scope
from tests.api.callbacks_cast import (
    Receiver,
    all_due,
    endpoint,
    is_signed,
    listeners,
    news,
    one,
    receiving,
    status,
    turn,
)
from tests.api.v2_cast import V2, caller
from tests.common.web_server import WebServer

URL = "https://hooks.acme.example/mail"


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme, scopes=["webhooks"])


@pytest.fixture
def private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver, private_addresses: None) -> Iterator[WebServer]:
    with receiving(receiver) as running:
        yield running


def made(api: V2, **more: Any) -> dict[str, Any]:
    answer = api.post("endpoints", {"url": URL, **more})
    assert answer.status_code == 201, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def test_an_endpoint_is_made_and_its_secret_shown_once(api: V2, settings: Any) -> None:
    answer = api.post("endpoints", {"url": URL, "description": "CRM", "kinds": ["bounced", "complained"]})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    held, body = Endpoint.objects.get(), answer.json()
    secret = body.pop("secret")
    assert secret.startswith("whsec_")
    assert unseal(held.sealed_secret, settings.SECRET_KEY) == secret
    assert secret not in held.sealed_secret
    shown = {
        "id": held.pk,
        "tenant_id": api.tenant.pk,
        "url": URL,
        "description": "CRM",
        "kinds": ["bounced", "complained"],
        "format": "standard",
        "state": "active",
        "pause_reason": None,
        "paused_at": None,
        "failures": 0,
        "failing_since": None,
        "last_success_at": None,
        "last_error": None,
        "last_error_at": None,
        "previous_secret_until": None,
        "created_at": body["created_at"],
    }
    assert body == shown
    assert api.get(f"endpoints/{api.tenant.pk}").json() == [shown]
    assert api.get(f"endpoints/{api.tenant.pk}/{held.pk}").json() == shown
    assert DueWork.objects.filter(schema="acme", task="callbacks.deliver").exists()


def test_senders_write_down_what_active_endpoints_want_and_nothing_else(api: V2) -> None:
    assert listeners() == set()
    first = made(api, kinds=["sent", "failed"])
    second = made(api, kinds=["sent", "opened"])
    assert listeners() == {"sent", "failed", "opened"}
    one_path = f"endpoints/{api.tenant.pk}/{first['id']}"
    api.put(one_path, {"kinds": ["bounced"]})
    assert listeners() == {"sent", "bounced", "opened"}
    assert api.post(f"{one_path}/pause").json()["state"] == "paused"
    assert listeners() == {"sent", "opened"}
    assert api.post(f"{one_path}/resume").json()["state"] == "active"
    api.put(one_path, {"kinds": ["*"]})
    assert listeners() == {str(kind) for kind in Kind}
    assert api.delete(one_path).status_code == 204
    assert listeners() == {"sent", "opened"}
    api.delete(f"endpoints/{api.tenant.pk}/{second['id']}")
    assert listeners() == set()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "ftp://hooks.example/"}, "url"),
        ({"url": "https://user:pass@hooks.example/"}, "url"),
        ({"url": "https://hooks.example:25/"}, "url"),
        ({"url": "https://hooks.example/\r\nX: y"}, "url"),
        ({"url": "http://localhost/"}, "url"),
        ({"url": "http://app.localhost/"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": URL, "kinds": []}, "kinds"),
        ({"url": URL, "kinds": ["born"]}, "kinds.0"),
        ({"url": URL, "kinds": "sent"}, "kinds"),
        ({"url": URL, "format": "xml"}, "format"),
        ({"url": URL, "description": "x" * 201}, "description"),
        ({"url": URL, "secret": "short"}, "secret"),
        ({"url": URL, "secret": "with space inside"}, "secret"),
        ({"url": URL, "tenant_id": "1"}, "tenant_id"),
        ([], None),
    ],
)
def test_what_cannot_be_an_endpoint_is_refused_with_the_fields_name(api: V2, body: object, field: str | None) -> None:
    answer = api.post("endpoints", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Endpoint.objects.exists()


def test_a_tenant_has_twenty_endpoints_at_most(api: V2) -> None:
    for _ in range(20):
        made(api)
    assert api.post("endpoints", {"url": URL}).status_code == 409


def test_an_endpoint_is_changed_field_by_field(api: V2) -> None:
    body = made(api, description="CRM", kinds=["sent"])
    path = f"endpoints/{api.tenant.pk}/{body['id']}"
    answer = api.put(path, {"format": "aegis"})
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("url", "description", "kinds", "format")} == {
        "url": URL,
        "description": "CRM",
        "kinds": ["sent"],
        "format": "aegis",
    }
    assert api.put(path, {"url": "http://10.0.0.1/"}).status_code == 422


def test_the_secret_is_replaced_and_both_sign_for_a_while(api: V2, server: WebServer, receiver: Receiver) -> None:
    body = made(api, url=server.url)
    answer = api.post(f"endpoints/{api.tenant.pk}/{body['id']}/rotate", {"grace_seconds": 60})
    assert answer.status_code == 200
    fresh = answer.json()["secret"]
    assert fresh != body["secret"]
    assert answer.json()["previous_secret_until"] is not None
    receiver.secrets = [fresh]
    news("sent")
    turn()
    [asked] = receiver.told
    assert is_signed(asked, body["secret"])
    assert is_signed(asked, fresh)
    ended = api.post(f"endpoints/{api.tenant.pk}/{body['id']}/rotate", {"grace_seconds": 0}).json()
    assert ended["previous_secret_until"] is None


def test_a_test_tells_at_once_what_came_of_it(api: V2, server: WebServer, receiver: Receiver) -> None:
    body = made(api, url=server.url, format="aegis")
    receiver.secrets = [body["secret"]]
    path = f"endpoints/{api.tenant.pk}/{body['id']}/test"
    told = api.post(path).json()
    assert (told["kind"], told["state"], told["last_status"], told["message_id"]) == ("test", "delivered", 200, None)
    assert receiver.bodies[0]["status"] == "test"
    receiver.answers = [status(500, b"oops")]
    told = api.post(path).json()
    assert (told["state"], told["last_status"], told["answer"]) == ("given_up", 500, "oops")
    assert told["last_error"] == "It answered 500."
    assert api.post(f"endpoints/{api.tenant.pk}/{body['id']}/deliveries/{told['id']}/resend").status_code == 409


def test_a_test_of_a_private_address_is_refused_and_nothing_is_sent(api: V2, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as server:
        monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
        held = endpoint(server.url)
        monkeypatch.delenv("OUTGOING_ALLOW_PRIVATE")
        told = api.post(f"endpoints/{api.tenant.pk}/{held.pk}/test").json()
        assert (told["state"], told["last_status"], server.asked) == ("given_up", None, [])
        assert "not public" in told["last_error"]


def test_the_log_is_listed_by_state_kind_and_message(api: V2) -> None:
    held = endpoint(URL)
    for message in (1, 2, 3):
        news("sent", message)
        news("opened", message)
    turn_without_sending()
    Delivery.objects.filter(message_id=2).update(state="delivered", tries=1, last_status=200, answer="ok")
    path = f"endpoints/{api.tenant.pk}/{held.pk}/deliveries"
    assert len(api.get(path).json()["items"]) == 6
    assert len(api.get(f"{path}?state=waiting").json()["items"]) == 4
    assert len(api.get(f"{path}?kind=opened&state=delivered").json()["items"]) == 1
    name = f"msg_{public_id(api.tenant.pk, 2)}"
    items = api.get(f"{path}?message_id={name}").json()["items"]
    delivery = Delivery.objects.get(message_id=2, kind="opened")
    assert items[0] == {
        "id": delivery.pk,
        "endpoint_id": held.pk,
        "webhook_id": delivery.name,
        "kind": "opened",
        "message_id": name,
        "happened_at": items[0]["happened_at"],
        "state": "delivered",
        "tries": 1,
        "next_try_at": None,
        "last_try_at": None,
        "last_status": 200,
        "last_error": None,
        "duration_ms": None,
        "answer": "ok",
    }
    first = api.get(f"{path}?limit=4").json()
    rest = api.get(f"{path}?limit=4&cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (4, 2, None)
    assert api.get(f"{path}?state=lost").status_code == 422
    assert api.get(f"{path}?message_id=msg_{public_id(api.tenant.pk + 1, 2)}").status_code == 404
    assert api.get(f"{path}?message_id=nonsense").status_code == 404


def test_the_log_takes_as_many_queries_for_one_as_for_many(api: V2) -> None:
    held = endpoint(URL)
    path = f"endpoints/{api.tenant.pk}/{held.pk}/deliveries"
    api.get(path)  # the key is known from now on
    counts = []
    for messages in (range(1), range(1, 60)):
        for message in messages:
            news("sent", message)
        turn_without_sending()
        with CaptureQueriesContext(connection) as captured:
            api.get(path)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_delivery_is_sent_again_with_the_same_id(api: V2, server: WebServer, receiver: Receiver) -> None:
    held = endpoint(server.url)
    news("sent")
    turn()
    delivery = Delivery.objects.get()
    path = f"endpoints/{api.tenant.pk}/{held.pk}/deliveries/{delivery.pk}/resend"
    answer = api.post(path)
    assert (answer.status_code, answer.json()["state"], answer.json()["tries"]) == (202, "waiting", 0)
    turn()
    assert len({asked.headers["webhook-id"] for asked in receiver.told}) == 1
    assert len(receiver.told) == 2
    api.post(f"endpoints/{api.tenant.pk}/{held.pk}/pause")
    assert api.post(path).status_code == 409


def test_a_stretch_of_time_is_sent_again(api: V2, server: WebServer, receiver: Receiver) -> None:
    held = endpoint(server.url)
    now = timezone.now()
    for hours in (1, 2, 3):
        news("sent", hours, at=now - timedelta(hours=hours))
    turn()
    path = f"endpoints/{api.tenant.pk}/{held.pk}/replay"
    since, until = (now - timedelta(minutes=150)).isoformat(), (now - timedelta(minutes=90)).isoformat()
    answer = api.post(path, {"since": since, "until": until})
    assert (answer.status_code, answer.json()) == (202, {"deliveries": 1})
    turn()
    assert len(receiver.told) == 4
    assert api.post(path, {"since": since}).json() == {"deliveries": 2}
    assert api.post(path, {"since": until, "until": since}).status_code == 422
    assert api.post(path, {"since": "yesterday"}).status_code == 422


def test_nothing_of_another_tenant_is_there(api: V2, globex: Tenant) -> None:
    held = endpoint(URL)
    news("sent")
    delivery = one()
    other = caller(globex, scopes=["webhooks"])
    paths = [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("POST", "/resume"),
        ("GET", "/deliveries"),
    ]
    paths += [("POST", f"/deliveries/{delivery.pk}/resend"), ("POST", "/pause")]
    for method, rest in paths:
        assert other.call(method, f"endpoints/{globex.pk}/{held.pk}{rest}", None).status_code == 404
        assert other.call(method, f"endpoints/{api.tenant.pk}/{held.pk}{rest}", None).status_code == 403
    assert other.get(f"endpoints/{globex.pk}").json() == []
    assert caller(api.tenant, scopes=["read", "send"]).get(f"endpoints/{api.tenant.pk}").status_code == 403
    with tenant_scope(globex):
        assert listeners() == set()


def test_the_log_is_kept_for_thirty_days(acme: Tenant) -> None:
    endpoint(URL)
    news("sent", 1)
    news("sent", 2)
    turn_without_sending()
    Delivery.objects.filter(message_id=1).update(created_at=timezone.now() - timedelta(days=31))
    assert sweep() == 1
    assert Delivery.objects.get().message_id == 2


def test_a_secret_that_cannot_be_decrypted_is_told_and_tried_again(
    acme: Tenant, server: WebServer, settings: Any
) -> None:
    endpoint(server.url)
    news("sent")
    one()
    Endpoint.objects.update(sealed_secret="broken")
    turn()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("waiting", 1)
    assert "SECRET_KEY" in delivery.last_error
    with pytest.raises(Refused):
        unseal("broken", settings.SECRET_KEY)
    all_due()


def turn_without_sending() -> None:
    pump_news()
