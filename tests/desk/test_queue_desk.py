"""The operators' view of single messages that wait."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from outbound.posting.heartbeat import Heartbeat
from outbound.rates import rate_client
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.desk.conftest import queries
from tests.outbound.submission_cast import later, submitted, take

QUEUE = "/admin/tenants/waitingmail/"
Inside = Callable[[], Any]


@pytest.fixture(autouse=True)
def no_senders() -> None:
    """Other tests' senders, who were not asked to stop, are remembered for some seconds."""
    rate_client(settings.REDIS_URL).delete("posting:senders")


def test_senders_that_are_alive_are_named(operator: Client) -> None:
    Heartbeat("mail1:7:abc").beat()
    page = operator.get(QUEUE).content.decode()
    assert "mail1:7:abc" in page
    assert "No sender is alive." not in page


def test_an_empty_queue_says_so_and_misses_its_senders(operator: Client) -> None:
    page = operator.get(QUEUE).content.decode()
    assert "Nothing waits" in page
    assert "No sender is alive." in page


def test_each_tenant_shows_what_waits_and_what_is_in_hand(operator: Client, inside: Inside) -> None:
    with inside():
        submitted(priority=1)
        submitted()
        submitted(send_at=later())
        take(submitted().message_id)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE outbound_queue SET due_at = now() - interval '5 minutes' WHERE priority = 1")
    page = operator.get(QUEUE)
    (one,) = page.context["rows"]
    counted, waits, later_on, priorities = one
    assert (counted.tenant.slug, counted.due, counted.in_hand, later_on) == ("acme", 2, 1, 1)
    assert 300 <= waits < 330
    assert priorities == [(1, 1), (3, 2)]
    assert 'desk-badge-warn">5 min' in page.content.decode()


def test_it_takes_two_queries_more_however_many_tenants_wait(operator: Client, inside: Inside, globex: Tenant) -> None:
    with inside():
        submitted()
    few = queries(operator, QUEUE)
    with tenant_scope(globex), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_queue (month, message_id, position, email, priority, due_at, since)"
            " SELECT date_trunc('month', now()), n, 0, 'a@example.com', 5, now(), now() FROM generate_series(1, 30) n"
        )
        cursor.execute("INSERT INTO public.tenants_waitingmail (schema, due_at) VALUES ('globex', now())")
    assert queries(operator, QUEUE) == few
    assert {row[0].tenant.slug for row in operator.get(QUEUE).context["rows"]} == {"acme", "globex"}


def test_a_tenant_has_no_such_page(owner: Client) -> None:
    assert owner.get(QUEUE).status_code == 404
