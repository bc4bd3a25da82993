"""Idempotency-Key under real concurrency: committed data, a connection for each thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from api.access.key_checks import remembered
from api.ledger.answering import answered_once
from api.ledger.calls import Answer, Call
from api.ledger.models import AnsweredCall
from common.database import connect
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.api.v2_cast import V2, caller

CALL = Call(caller="key:1", key="k", fingerprint=b"f" * 32)


@pytest.fixture
def tenant(live_tenant: Tenant) -> Iterator[Tenant]:
    try:
        yield live_tenant
    finally:
        connection.set_tenant(live_tenant)
        AnsweredCall.objects.all().delete()
        ApiKey.objects.filter(tenant=live_tenant).delete()
        remembered.forget()


def in_a_thread_of_its_own(tenant: Tenant, act: Any) -> Any:
    try:
        connection.set_tenant(tenant)
        return act()
    finally:
        connection.close()


def test_fifty_callers_at_once_have_one_effect_and_one_answer(tenant: Tenant) -> None:
    key = caller(tenant, scopes=["admin"]).key
    together = threading.Barrier(50)

    def call() -> tuple[int, bytes, str | None]:
        client = V2(tenant, key)
        together.wait()
        answer = client.post("keys", {"name": "once", "scopes": ["admin"]}, idempotency_key="k")
        return answer.status_code, answer.content, answer.get("Idempotency-Replayed")

    with ThreadPoolExecutor(50) as threads:
        calls = [threads.submit(in_a_thread_of_its_own, tenant, call) for _ in range(50)]
        answers = [one.result() for one in calls]
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, body, _ in answers}) == 1
    assert sorted(replayed or "" for _, _, replayed in answers) == ["", *["true"] * 49]
    assert ApiKey.objects.filter(name="once").count() == 1


def test_a_twin_waits_and_takes_over_when_the_first_fails(tenant: Tenant) -> None:
    started, may_fail = threading.Event(), threading.Event()

    def failing() -> Answer:
        started.set()
        may_fail.wait()
        raise ZeroDivisionError

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(in_a_thread_of_its_own, tenant, lambda: answered_once(CALL, failing))
        started.wait()
        second = threads.submit(
            in_a_thread_of_its_own, tenant, lambda: answered_once(CALL, lambda: Answer(201, {}, "second"))
        )
        _wait_until_somebody_waits_for_a_row()
        may_fail.set()
        assert isinstance(first.exception(), ZeroDivisionError)
        assert second.result() == (Answer(201, {}, "second"), False)


def test_a_connection_that_is_lost_before_the_end_leaves_nothing(tenant: Tenant) -> None:
    def lose_the_connection() -> Answer:
        ApiKey.objects.create(tenant=tenant, name="lost", prefix="lost", hash="x")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with connect(application="test") as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        return Answer(201, {}, "never told")

    with ThreadPoolExecutor(1) as threads:
        lost = threads.submit(in_a_thread_of_its_own, tenant, lambda: answered_once(CALL, lose_the_connection))
        assert lost.exception() is not None
    with tenant_scope(tenant):
        assert not AnsweredCall.objects.exists()
        assert not ApiKey.objects.filter(name="lost").exists()
        assert answered_once(CALL, lambda: Answer(201, {}, "anew")) == (Answer(201, {}, "anew"), False)


def _wait_until_somebody_waits_for_a_row() -> None:
    with connect(application="test") as other:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ledger_answeredcall%'"
        while not (row := other.execute(waiting).fetchone()) or not row[0]:
            threading.Event().wait(0.01)
