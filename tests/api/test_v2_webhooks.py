"""V23 to V27 over HTTP: what is told is kept, applied once, and only for the tenant of the key."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from api.ledger.hooks import HookCall, HookEvent
from contacts.models import Suppression
from outbound.models import Engagement, Event
from outbound.stamping import key_ring
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.outbound.recipients import sent_message


@pytest.fixture
def teller(acme: Tenant) -> V2:
    return caller(acme, scopes=["webhooks"])


def message_id(acme: Tenant, message: int, position: int) -> str:
    return f"<{key_ring().minter(acme.pk, message)(position).hex()}@acme.example>"


def tell(teller: V2, *events: dict[str, Any]) -> Any:
    return teller.post("webhooks/generic", {"events": list(events)})


@pytest.mark.parametrize(("row", "path"), [("v23", "mailwizz"), ("v24", "powermta")])
def test_v23_v24_a_call_is_kept_word_for_word_and_once(teller: V2, row: str, path: str) -> None:
    body = "type,timeLogged,orig,rcpt\nd,2026-03-01 09:00:00+0000,a@b.example,c@d.example\n"
    for turn in (1, 2):
        answer = teller.client.generic(
            "POST",
            f"/api/v2/webhooks/{path}",
            data=body,
            content_type="text/csv",
            headers={"host": "localhost", "x-api-key": teller.key},
        )
        connection.set_tenant(teller.tenant)
        assert answer.status_code == 200
        told = answer.json()
        call = HookCall.objects.get(pk=told.pop("call_id"))
        assert told == {
            "success": True,
            "source": path,
            "duplicate": turn == 2,
            "events": 0,
            "applied": 0,
            "duplicates": 0,
            "ignored": 0,
        }
        assert (bytes(call.body).decode(), call.content_type, call.deliveries) == (body, "text/csv", turn)
    assert HookCall.objects.count() == 1


def test_v25_an_event_counts_once_however_often_it_is_told(acme: Tenant, teller: V2) -> None:
    message = sent_message(recipients=3)
    opened = {"event": "opened", "message_id": message_id(acme, message.pk, 0), "event_id": "e1", "ip": "192.0.2.1"}
    clicked = {"event": "clicked", "message_id": message_id(acme, message.pk, 1), "link": 0, "event_id": "e2"}
    first = tell(teller, opened, clicked).json()
    assert (first["events"], first["applied"], first["duplicates"], first["ignored"]) == (2, 2, 0, 0)
    again = tell(teller, opened, clicked).json()
    assert (again["duplicate"], again["applied"], again["duplicates"]) == (True, 0, 2)
    other_call = tell(teller, clicked, opened, opened | {"event_id": "e3"}).json()
    assert (other_call["applied"], other_call["duplicates"]) == (1, 2)
    assert Event.objects.filter(message_id=message.pk).count() == 3
    assert Engagement.objects.get(message_id=message.pk, position=0).opens == 2


def test_v25_without_an_id_an_event_is_known_by_what_it_says(acme: Tenant, teller: V2) -> None:
    message = sent_message(recipients=1)
    event = {
        "event": "opened",
        "message_id": message_id(acme, message.pk, 0),
        "timestamp": "2026-11-20T09:00:00Z",
    }
    assert tell(teller, event).json()["applied"] == 1
    assert tell(teller, event, event | {"timestamp": "2026-11-20T09:00:01Z"}).json()["duplicates"] == 1


def test_v25_a_bounce_a_complaint_and_an_unsubscribe_take_effect(acme: Tenant, teller: V2) -> None:
    message = sent_message(recipients=3)
    answer = tell(
        teller,
        {
            "event": "bounced",
            "bounce_type": "hard",
            "reason": "550 no such user",
            "message_id": message_id(acme, message.pk, 0),
        },
        {"event": "complained", "message_id": message_id(acme, message.pk, 1)},
        {"event": "unsubscribed", "email": "somebody@elsewhere.example"},
    )
    assert answer.json()["applied"] == 3
    reasons = dict(Suppression.objects.values_list("email", "reason"))
    assert set(reasons.values()) == {"hard_bounce", "complaint", "unsubscribed"}
    assert reasons["somebody@elsewhere.example"] == "unsubscribed"


def test_v25_events_about_mail_that_is_not_here_are_ignored(acme: Tenant, globex: Tenant, teller: V2) -> None:
    message = sent_message(recipients=1)
    foreign = f"<{key_ring().minter(globex.pk, message.pk)(0).hex()}@globex.example>"
    answer = tell(
        teller,
        {"event": "opened", "message_id": foreign},
        {"event": "opened", "message_id": "<somebody-elses@mail.example>"},
        {"event": "opened", "message_id": message_id(acme, message.pk, 99)},
    ).json()
    assert (answer["events"], answer["applied"], answer["ignored"]) == (3, 0, 3)
    assert Event.objects.filter(message_id=message.pk).count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("[]", "events"),
        ('{"events": 3}', "events"),
        ('[{"event": "opened"}]', "events.0.message_id"),
        ('[{"event": "opened", "email": "a@b.example"}, {"event": "exploded"}]', "events.1.event"),
        ('[{"event": "bounced", "email": "a@b.example"}]', "events.0.bounce_type"),
        ('[{"event": "opened", "email": 5}]', "events.0.email"),
        ('[{"event": "opened", "email": "a@b.example", "timestamp": "yesterday"}]', "events.0.timestamp"),
        ('[{"event": "opened", "email": "a@b.example", "timestamp": "2026-02-30T00:00:00Z"}]', "events.0.timestamp"),
        ('[{"event": "clicked", "email": "a@b.example", "link": -1}]', "events.0.link"),
        ("", None),
    ],
)
def test_v25_what_cannot_be_read_is_refused_with_its_place_and_nothing_is_kept(
    teller: V2, body: str, field: str | None
) -> None:
    answer = teller.client.generic(
        "POST",
        "/api/v2/webhooks/generic",
        data=body,
        content_type="application/json",
        headers={"host": "localhost", "x-api-key": teller.key},
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    connection.set_tenant(teller.tenant)
    assert HookCall.objects.count() == 0


@pytest.mark.parametrize("body", ["not json", "{", "[" * 100_000], ids=["words", "cut off", "too deep"])
def test_v25_events_that_are_not_json_are_400_as_on_every_path(teller: V2, body: str) -> None:
    answer = teller.client.generic(
        "POST",
        "/api/v2/webhooks/generic",
        data=body,
        content_type="application/json",
        headers={"host": "localhost", "x-api-key": teller.key},
    )
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == ("parse_error", None)
    connection.set_tenant(teller.tenant)
    assert HookCall.objects.count() == 0


def test_v25_ten_thousand_events_take_as_many_queries_as_ten(
    acme: Tenant, teller: V2, django_assert_max_num_queries: Any
) -> None:
    message = sent_message(recipients=1)
    spot = message_id(acme, message.pk, 0)
    teller.get("webhooks/health")
    with django_assert_max_num_queries(60) as counted:
        tell(teller, *({"event": "opened", "message_id": spot, "event_id": f"a{n}"} for n in range(10)))
    few = len(counted)
    with django_assert_max_num_queries(few):
        answer = tell(teller, *({"event": "opened", "message_id": spot, "event_id": f"b{n}"} for n in range(10_000)))
    assert answer.json()["applied"] == 10_000


def test_v25_a_body_may_be_compressed_but_not_a_bomb(teller: V2) -> None:
    def told(body: bytes, encoding: str) -> Any:
        return teller.client.generic(
            "POST",
            "/api/v2/webhooks/generic",
            data=body,
            content_type="application/json",
            headers={"host": "localhost", "x-api-key": teller.key, "content-encoding": encoding},
        )

    event = json.dumps({"event": "unsubscribed", "email": "ann@example.com"}).encode()
    assert told(gzip.compress(event), "gzip").json()["applied"] == 1
    assert told(event, "gzip").status_code == 422
    assert told(event, "br").status_code == 422
    assert told(gzip.compress(b" " * (21 * 2**20)), "gzip").status_code == 422


def test_v26_the_test_door_answers_with_what_arrived_and_keeps_nothing(acme: Tenant, teller: V2) -> None:
    answer = teller.post("webhooks/test", {"hello": "world"}, x_custom="1")
    assert answer.status_code == 200
    told = answer.json()
    headers = {name.lower(): value for name, value in told.pop("headers").items()}
    assert told == {
        "success": True,
        "tenant_id": acme.pk,
        "method": "POST",
        "content_type": "application/json",
        "size": 18,
        "body": {"hello": "world"},
    }
    assert headers["x-custom"] == "1"
    assert "x-api-key" not in headers
    assert HookCall.objects.count() == 0


def test_v27_the_health_of_the_doors_needs_no_key(teller: V2) -> None:
    answer = teller.get("webhooks/health", x_api_key="")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["database"]) == ("healthy", True)
    assert told["endpoints"] == [f"/api/v2/webhooks/{name}" for name in ("mailwizz", "powermta", "generic", "test")]


@pytest.mark.parametrize("path", ["mailwizz", "powermta", "generic", "test"])
def test_the_doors_want_a_key_with_the_scope(acme: Tenant, teller: V2, path: str) -> None:
    assert teller.post(f"webhooks/{path}", {}, x_api_key="").status_code == 401
    assert caller(acme, scopes=["read"]).post(f"webhooks/{path}", {}).status_code == 403


def test_a_provider_may_give_the_key_as_a_password(teller: V2) -> None:
    basic = base64.b64encode(f"powermta:{teller.key}".encode()).decode()
    assert teller.post("webhooks/test", {}, x_api_key="", authorization=f"Basic {basic}").status_code == 200
    assert teller.post("webhooks/test", {}, x_api_key="", authorization="Basic !").status_code == 401


def test_what_was_told_long_ago_is_forgotten(acme: Tenant, teller: V2) -> None:
    teller.post("webhooks/mailwizz", {"n": 1})
    HookCall.objects.update(received_at=datetime.now(UTC) - timedelta(days=31))
    HookEvent.objects.create(source="generic", key=b"x" * 16)
    HookEvent.objects.update(received_at=datetime.now(UTC) - timedelta(days=31))
    teller.post("webhooks/mailwizz", {"n": 2})
    assert HookCall.objects.count() == 1
    assert HookEvent.objects.count() == 0
