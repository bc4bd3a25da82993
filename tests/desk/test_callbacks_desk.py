"""Webhooks on a tenant's desk: made with a secret shown once, tried, paused, and calls made again."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from api.callbacks.endpoints import pause_endpoint
from api.callbacks.health import endpoint_check
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.pumping import pump_news
from common.secrets import unseal
from outbound.submission.ids import public_id
from tenants.models import Tenant
from tests.api.callbacks_cast import Receiver, endpoint, listeners, news, receiving, status
from tests.desk.conftest import queries

LIST = "/admin/callbacks/endpoint/"
CALLS = "/admin/callbacks/delivery/"
URL = "https://hooks.acme.example/mail"


@pytest.fixture
def held(acme: Tenant) -> Endpoint:
    return endpoint(URL, "sent", description="CRM")


def test_an_endpoint_is_made_and_its_secret_shown_once(owner: Client, inside: Any, settings: Any) -> None:
    answer = owner.post(
        f"{LIST}add/", {"url": URL, "description": "CRM", "format": "aegis", "chosen": ["sent", "failed"]}
    )
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    with inside():
        made = Endpoint.objects.get()
        secret = unseal(made.sealed_secret, settings.SECRET_KEY)
        assert (made.kinds, made.format, listeners()) == (["sent", "failed"], "aegis", {"sent", "failed"})
    assert secret in answer.content.decode()
    assert secret not in owner.get(f"{LIST}{made.pk}/change/").content.decode()


def test_what_is_refused_stands_at_its_field(owner: Client, inside: Any) -> None:
    answer = owner.post(f"{LIST}add/", {"url": "http://127.0.0.1/", "format": "standard", "chosen": ["*"]})
    assert "not public" in answer.content.decode()
    with inside():
        assert not Endpoint.objects.exists()


def test_an_endpoint_is_changed_paused_resumed_and_deleted(owner: Client, held: Endpoint, inside: Any) -> None:
    page = f"{LIST}{held.pk}/"
    owner.post(f"{page}change/", {"url": f"{URL}/2", "description": "", "format": "standard", "chosen": ["opened"]})
    with inside():
        held.refresh_from_db()
        assert (held.url, held.kinds, listeners()) == (f"{URL}/2", ["opened"], {"opened"})
    owner.post(f"{page}pause/")
    with inside():
        assert listeners() == set()
    owner.post(f"{page}resume/")
    with inside():
        assert listeners() == {"opened"}
    assert "be told nothing any more" in owner.get(f"{page}remove/").content.decode()
    owner.post(f"{page}remove/")
    with inside():
        assert (Endpoint.objects.count(), listeners()) == (0, set())


def test_why_an_endpoint_was_paused_is_seen_at_the_desk_and_by_the_doctor(
    owner: Client, held: Endpoint, inside: Any
) -> None:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    assert endpoint_check().ok
    with inside():
        pause_endpoint(held.pk, reason="Nothing was taken for 24 hours.")
    assert "Nothing was taken for 24 hours." in owner.get(LIST).content.decode()
    assert "Nothing was taken for 24 hours." in owner.get(f"{LIST}{held.pk}/change/").content.decode()
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    found = endpoint_check()
    assert (found.ok, found.warning) == (False, True)
    assert found.what == f"acme: {URL}: Nothing was taken for 24 hours."


def test_a_test_shows_what_came_of_it(owner: Client, held: Endpoint, inside: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
    with receiving(Receiver(answers=[status(500, b"<b>oops</b>")])) as server:
        with inside():
            Endpoint.objects.update(url=server.url)
        page = owner.post(f"{LIST}{held.pk}/test/").content.decode()
        assert "It answered 500." in page
        assert "&lt;b&gt;oops&lt;/b&gt;" in page
        assert "The test was taken." in owner.post(f"{LIST}{held.pk}/test/").content.decode()


def test_a_secret_is_replaced_after_a_question(owner: Client, held: Endpoint, inside: Any, settings: Any) -> None:
    owner.get(f"{LIST}{held.pk}/rotate/")
    shown = owner.post(f"{LIST}{held.pk}/rotate/").content.decode()
    with inside():
        held.refresh_from_db()
        assert unseal(held.sealed_secret, settings.SECRET_KEY) in shown


def test_calls_are_filtered_searched_and_made_again(owner: Client, held: Endpoint, inside: Any, acme: Tenant) -> None:
    with inside():
        for message in (1, 2, 3):
            news("sent", message)
        pump_news()
        Delivery.objects.update(state="delivered", tries=1, last_status=200, duration_ms=5)
        first, second, third = Delivery.objects.order_by("pk")
        Delivery.objects.filter(pk=first.pk).update(state="given_up", last_error="It answered 500.")
    assert "It answered 500." in owner.get(f"{CALLS}?state__exact=given_up").content.decode()
    found = owner.get(f"{CALLS}?q=msg_{public_id(acme.pk, 2)}").content.decode()
    assert f"{CALLS}{second.pk}/again/" in found
    assert f"{CALLS}{third.pk}/again/" not in found
    assert owner.get(f"{CALLS}?endpoint__id__exact={held.pk}&kind=sent").status_code == 200
    owner.get(f"{CALLS}{first.pk}/again/")
    owner.post(f"{CALLS}{first.pk}/again/")
    owner.post(CALLS, {"action": "send_again", "_selected_action": [second.pk, third.pk]})
    with inside():
        assert set(Delivery.objects.values_list("state", "tries")) == {("waiting", 0)}


def test_a_stretch_of_time_is_sent_again(owner: Client, held: Endpoint, inside: Any) -> None:
    with inside():
        news("sent")
        pump_news()
        Delivery.objects.update(state="delivered", tries=1)
    page = f"{LIST}{held.pk}/replay/"
    assert owner.get(page).status_code == 200
    times = {"since_0": "2020-01-01", "since_1": "00:00:00", "until_0": "", "until_1": ""}
    assert owner.post(page, times).status_code == 302
    with inside():
        assert Delivery.objects.get().state == "waiting"
        assert Delivery.objects.get().due_at <= timezone.now()


def test_the_list_of_calls_takes_as_many_queries_for_one_as_for_many(
    owner: Client, held: Endpoint, inside: Any
) -> None:
    counts = []
    for messages in (range(1), range(1, 25)):
        with inside():
            for message in messages:
                news("sent", message)
            pump_news()
        counts.append(queries(owner, CALLS))
    assert counts[0] == counts[1]


def test_a_viewer_reads_and_changes_nothing(viewer: Client, held: Endpoint, inside: Any) -> None:
    with inside():
        news("sent")
        pump_news()
        delivery = Delivery.objects.get()
    assert viewer.get(LIST).status_code == 200
    assert viewer.get(CALLS).status_code == 200
    assert viewer.get(f"{LIST}{held.pk}/change/").status_code == 200
    for page in ("test", "pause", "resume", "rotate", "replay", "remove"):
        assert viewer.post(f"{LIST}{held.pk}/{page}/").status_code == 403
    assert viewer.post(f"{CALLS}{delivery.pk}/again/").status_code == 403
