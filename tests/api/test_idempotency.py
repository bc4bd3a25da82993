"""Idempotency-Key: one effect and one answer, whatever happens in between."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from api.access.key_checks import remembered
from api.ledger.answering import answered_once, sweep
from api.ledger.calls import KEPT_FOR, Answer, Call
from api.ledger.models import AnsweredCall
from api.v2.keys import views
from common.errors import Conflict, QuotaExceeded
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.api.v2_cast import V2, caller

BODY = {"name": "once", "scopes": ["admin"]}
CALL = Call(caller="key:1", key="k", fingerprint=b"f" * 32)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered.forget()
    yield
    remembered.forget()


@pytest.fixture
def client(acme: Tenant) -> V2:
    return caller(acme, scopes=["admin"])


def made() -> int:
    return ApiKey.objects.filter(name="once").count()


def test_the_same_call_again_gets_the_same_answer_and_does_nothing(client: V2) -> None:
    first = client.post("keys", BODY, idempotency_key="a key, 1 to 255 characters ~")
    again = client.post("keys", dict(reversed(BODY.items())), idempotency_key="a key, 1 to 255 characters ~")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert [answer[name] for answer in (first, again) for name in ("Content-Type", "Cache-Control")] == [
        "application/json",
        "no-store",
    ] * 2
    assert first["X-Request-ID"] != again["X-Request-ID"]
    assert made() == 1


def test_without_the_header_each_call_counts(client: V2) -> None:
    assert [client.post("keys", BODY).status_code for _ in range(2)] == [201, 201]
    assert made() == 2
    assert not AnsweredCall.objects.exists()


def test_the_key_of_one_call_is_not_for_another(client: V2, acme: Tenant) -> None:
    first = client.post("keys", BODY, idempotency_key="k").json()
    for path, body in (
        ("keys", {**BODY, "daily_limit": 1}),
        ("keys?x=1", BODY),
        (f"keys/{acme.pk}/{first['id']}/rotate", BODY),
    ):
        answer = client.post(path, body, idempotency_key="k")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["field"]) == (409, "conflict", "Idempotency-Key"), path
    assert client.post("keys/", BODY, idempotency_key="k").status_code == 201
    assert made() == 1


def test_callers_and_tenants_do_not_share_keys(client: V2, acme: Tenant, globex: Tenant) -> None:
    admin = caller(acme, is_admin=True)
    answers = [
        client.post("keys", BODY, idempotency_key="k"),
        caller(acme, scopes=["admin"]).post("keys", BODY, idempotency_key="k"),
        admin.post("keys", {**BODY, "tenant_id": acme.pk}, idempotency_key="k"),
        admin.post("keys", {**BODY, "tenant_id": globex.pk}, idempotency_key="k"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["key"] for answer in answers}) == 4
    assert AnsweredCall.objects.count() == 3
    with tenant_scope(globex):
        assert AnsweredCall.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9", "tab\there", "\x7f"])
def test_a_key_that_is_none_is_refused(client: V2, key: str) -> None:
    answer = client.post("keys", BODY, idempotency_key=key)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "Idempotency-Key")
    assert made() == 0


def test_an_empty_key_is_refused(client: V2, acme: Tenant) -> None:
    headers = {"host": "localhost", "x-api-key": client.key, "idempotency-key": ""}
    answer = client.client.post("/api/v2/keys", BODY, content_type="application/json", headers=headers)
    assert answer.status_code == 422


def test_a_refusal_is_repeated_word_for_word(client: V2) -> None:
    first, again = (client.post("keys", {"name": ""}, idempotency_key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.content == again.content
    assert again["Idempotency-Replayed"] == "true"


def test_what_may_be_allowed_later_is_not_kept(client: V2) -> None:
    assert client.post("keys", {**BODY, "scopes": ["send"]}, idempotency_key="k").status_code == 403
    assert not AnsweredCall.objects.exists()
    assert client.post("keys", BODY, idempotency_key="k").status_code == 201


def test_a_quota_that_is_used_up_says_so_in_full_and_is_not_kept(client: V2, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(QuotaExceeded):
        retry_after = 7
        headers = {"X-RateLimit-Remaining": "0"}

    def exhausted(**_: Any) -> None:
        raise Enough("Enough for today.")

    with monkeypatch.context() as patched:
        patched.setattr(views, "create_api_key", exhausted)
        answer = client.post("keys", BODY, idempotency_key="k")
    assert (answer.status_code, answer["Retry-After"], answer["X-RateLimit-Remaining"]) == (429, "7", "0")
    assert not AnsweredCall.objects.exists()


def test_after_a_fault_nothing_is_left_and_the_call_may_be_made_again(
    client: V2, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = views.create_api_key

    def make_then_fail(**given: Any) -> None:
        make(**given)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(views, "create_api_key", make_then_fail)
        assert client.post("keys", BODY, idempotency_key="k").status_code == 500
    assert (made(), AnsweredCall.objects.count()) == (0, 0)
    assert client.post("keys", BODY, idempotency_key="k").status_code == 201
    assert made() == 1


def test_a_refusal_in_the_middle_undoes_what_came_before_it(client: V2, monkeypatch: pytest.MonkeyPatch) -> None:
    make = views.create_api_key

    def make_then_refuse(**given: Any) -> None:
        make(**given)
        raise Conflict("Not now.")

    monkeypatch.setattr(views, "create_api_key", make_then_refuse)
    assert [client.post("keys", BODY, idempotency_key="k").status_code for _ in range(2)] == [409, 409]
    assert (made(), AnsweredCall.objects.count()) == (0, 1)


def test_an_answer_is_forgotten_after_a_day(client: V2) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False) as clock:
        first = client.post("keys", BODY, idempotency_key="k")
        clock.shift(KEPT_FOR)
        assert client.post("keys", BODY, idempotency_key="k").content == first.content
        clock.shift(1)
        assert client.post("keys", {**BODY, "daily_limit": 5}, idempotency_key="k").json()["daily_limit"] == 5
    assert made() == 2
    assert AnsweredCall.objects.count() == 1


def test_the_database_does_not_tell_the_answer(client: V2) -> None:
    key = client.post("keys", BODY, idempotency_key="k").json()["key"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(held)::text FROM ledger_answeredcall held")
        stored = cursor.fetchone()[0]
    assert key not in stored
    assert key.split("_", 2)[2] not in stored


def test_old_answers_are_swept_away_while_new_ones_come(acme: Tenant) -> None:
    long_ago = timezone.now() - KEPT_FOR - timedelta(hours=2)
    AnsweredCall.objects.bulk_create(
        AnsweredCall(caller="key:1", key=str(number), fingerprint=b"", status=200, created_at=long_ago)
        for number in range(1500)
    )
    answered_once(CALL, lambda: Answer(200, {}, "new"))
    for number in range(100):
        answered_once(Call("key:2", str(number), b""), lambda: Answer(200, {}, ""))
    assert not AnsweredCall.objects.filter(created_at=long_ago).exists()
    assert sweep() == 0
    assert answered_once(CALL, lambda: Answer(200, {}, "other")) == (Answer(200, {}, "new"), True)


def test_a_view_may_have_no_part_in_it(client: V2) -> None:
    assert [client.post("tokens", idempotency_key="k").status_code for _ in range(2)] == [201, 201]
    assert client.get(f"keys/{client.tenant.pk}", idempotency_key="k").status_code == 200
    assert client.call("POST", f"keys/{client.tenant.pk}", {}, idempotency_key="k").status_code == 405
    assert not AnsweredCall.objects.exists()
