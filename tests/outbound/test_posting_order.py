"""Who comes first, and who is not kept waiting: counted in the order of arrival at the server, not in time."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.database import connection
from outbound.posting.claiming import MOST
from outbound.posting.order import Order
from outbound.posting.sender import process, start
from outbound.posting.types import Batch, Item
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.creation import create_tenant
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import post, rows, send_what_is_due

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def item(number: int, priority: int, batch: Any) -> Item:
    due = NOW + timedelta(seconds=number)
    return Item(number, batch, 1, number, due.date(), number, 0, f"user{number}@example.com", priority, due, due, 1)


def test_most_are_taken_by_priority_and_every_fifth_by_age() -> None:
    batch, order = Batch(1, 1, None, memoryview(b""), 100, 100), Order()  # type: ignore[arg-type]
    for number in range(10):
        order.add(item(number, 5, batch))
    for number in range(10, 30):
        order.add(item(number, 1, batch))
    assert order.most_urgent == 1
    popped = [found.queue_id for found in iter(order.pop, None)]
    assert popped[:10] == [10, 11, 12, 13, 0, 14, 15, 16, 17, 1]
    assert sorted(popped) == list(range(30))
    assert len(order) == 0
    assert batch.waiting == 0


def test_who_left_one_lane_for_another_is_in_the_first_no_more() -> None:
    """As when an account refuses the sender: what is left of the item in the first lane's books must not come alive."""
    batch, first, second = Batch(1, 1, None, memoryview(b""), 9, 9), Order(), Order()  # type: ignore[arg-type]
    for number in range(9):
        first.add(item(number, 1, batch))
    popped = []
    while (left := first.pop()) is not None:
        popped.append(left.queue_id)
        second.add(left)
    assert sorted(popped) == list(range(9))
    assert (len(first), len(second), batch.waiting) == (0, 9, 9)
    again = second.pop()
    assert again is not None
    second.add(again)
    assert sorted(found.queue_id for found in iter(second.pop, None)) == list(range(9))
    assert batch.waiting == 0


@pytest.mark.usefixtures("live_tenant")
def test_an_urgent_message_overtakes_those_that_wait_and_old_ones_are_not_forgotten() -> None:
    with Provider() as provider:
        provider.account(connections=1)
        for number in range(300):
            post(f"later{number}@example.com", priority=5)
        for number in range(100):
            post(f"urgent{number}@example.com", priority=1)
        assert send_what_is_due().outcomes == {"sent": 400}
        arrived = [mail.recipients[0] for mail in provider.server.taken]
    urgent = [place for place, who in enumerate(arrived) if who.startswith("urgent")]
    assert max(urgent) < 100 * 5 / 4 + 2 * MOST / 5
    assert 15 <= sum(who.startswith("later") for who in arrived[: max(urgent)]) <= 60
    assert arrived.index("later0@example.com") < 10, "the oldest has its share from the beginning"


@pytest.mark.usefixtures("live_tenant")
def test_what_comes_while_the_buffer_is_full_overtakes_it() -> None:
    """The provider is slow, a hundred are loaded already: the urgent one does not stand behind them."""
    begun, posted = threading.Event(), threading.Event()

    def slow(verb: str, argument: str) -> str | None:
        if verb == "BODY" and argument == "later20@example.com":
            begun.set()
            posted.wait(60)
        return None

    with Provider(slow) as provider:
        provider.account(connections=1)
        for number in range(400):
            post(f"later{number}@example.com", priority=5)
        done = threading.Event()
        worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
        worker.start()
        try:
            assert begun.wait(30)
            urgent = post("urgent@example.com", priority=1)
            _until(
                lambda: (
                    rows("SELECT batch_id IS NOT NULL FROM outbound_queue WHERE message_id = %s", urgent) == [(True,)]
                )
            )
            threading.Event().wait(3)  # it is taken; now it is being built
            posted.set()
            _until(lambda: len(provider.server.taken) == 401)
        finally:
            posted.set()
            done.set()
            worker.join(60)
        arrived = [mail.recipients[0] for mail in provider.server.taken]
    assert arrived.index("urgent@example.com") - arrived.index("later20@example.com") < 60, "hundreds stood before it"


def test_one_tenants_flood_does_not_delay_anothers_mail(live_tenant: Tenant) -> None:
    other = _second_tenant()
    connection.set_tenant(live_tenant)
    with Provider() as provider:
        provider.account(connections=1)
        for number in range(500):
            post(f"flood{number}@example.com")
        with tenant_scope(other):
            provider.account(connections=1)
            for number in range(20):
                post(f"calm{number}@example.com", from_address="shop@calm.example")
        assert process(only=[live_tenant.schema_name, other.schema_name]).outcomes == {"sent": 520}
        arrived = [mail.recipients[0] for mail in provider.server.taken]
    calm = [place for place, who in enumerate(arrived) if who.startswith("calm")]
    assert max(calm) < 400, "twenty of one are through before the five hundred of the other"


def _second_tenant() -> Tenant:
    found = Tenant.objects.filter(slug="calm").first()
    if found is None:
        create_tenant(slug="calm", name="Calm", host="calm.testserver")
        found = Tenant.objects.get(slug="calm")
    with tenant_scope(found), connection.cursor() as cursor:
        for table in ("queue", "batch", "message", "provideraccount", "daily", "accountday"):
            cursor.execute(f"TRUNCATE outbound_{table} CASCADE")
    return found


def _until(question: Any, seconds: float = 60.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if question():
            return
        pause.wait(0.02)
    raise AssertionError("nothing happened")
