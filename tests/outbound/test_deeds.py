"""Bits of who opened and clicked: what they tell together with the positions that changed is what the engagement says."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from common.database import connection as tenant_connection
from contacts.targeting.audience import Parameters
from outbound.behaviour import Asked, Kind, blocks_query, contacts_query
from outbound.deeds import build_deeds, messages_with_bits
from outbound.events import record_events
from outbound.models import Chunk, Message
from tenants.models import Tenant
from tests.outbound.recipients import NOON
from tests.outbound.test_human_engagement import CLICK, LONG_AFTER, OPEN, delivered, hit


def who(message: Message, kind: Kind, *, bits: bool, days: int = 0) -> set[int]:
    """The positions of those who did it, by bits where these are asked as well."""
    since = NOON + timedelta(days=days) if days else None
    asked = Asked(kind, (message.pk,), since, with_bits=tuple(messages_with_bits([message.pk])) if bits else ())
    assert not bits or asked.with_bits
    parameters = Parameters()
    with connection.cursor() as cursor:
        cursor.execute(contacts_query(asked, parameters), parameters)
        ids = {found for (found,) in cursor.fetchall()}
        if bits:
            parameters = Parameters()
            cursor.execute(blocks_query(asked, parameters), parameters)
            rows = cursor.fetchall()
            assert len({block for block, _ in rows}) == len(rows)
            ids |= {(block << 11) + p for block, word in rows for p, bit in enumerate(word) if bit == "1"}
    order = [
        one for chunk in Chunk.objects.filter(message=message).order_by("first_position") for one in chunk.contact_ids
    ]
    return {order.index(found) for found in ids}


def agree(message: Message) -> None:
    for kind in (Kind.OPENED, Kind.CLICKED):
        for days in (0, 1, 2):
            assert who(message, kind, bits=True, days=days) == who(message, kind, bits=False, days=days)


def waiting() -> int:
    """How many positions were noted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(cardinality(positions)), 0) FROM outbound_deed_news")
        (count,) = cursor.fetchone()
        return int(count)


def test_what_happens_after_the_bits_were_made_is_told_at_once(acme: Tenant) -> None:
    message = delivered(1_200)
    record_events([hit(message, OPEN, who=n) for n in (0, 3, 1_100)])
    assert messages_with_bits([message.pk]) == frozenset()
    assert build_deeds()
    assert who(message, Kind.OPENED, bits=True) == {0, 3, 1_100}
    record_events([hit(message, OPEN, LONG_AFTER + 100_000, who=n) for n in (3, 4, 1_199)])
    record_events([hit(message, CLICK, who=4)])
    assert who(message, Kind.OPENED, bits=True) == {0, 3, 4, 1_100, 1_199}
    assert who(message, Kind.OPENED, bits=True, days=1) == {3, 4, 1_199}
    agree(message)
    assert build_deeds()
    assert waiting() == 0
    agree(message)


def test_clicks_that_are_taken_back_are_taken_out(acme: Tenant) -> None:
    message = delivered(4)
    record_events([hit(message, CLICK, link=0, who=n) for n in (0, 1)])
    assert build_deeds()
    record_events([hit(message, CLICK, LONG_AFTER + 1, link=n) for n in range(6)])
    assert who(message, Kind.CLICKED, bits=True) == {1}
    agree(message)
    assert build_deeds()
    assert who(message, Kind.CLICKED, bits=True) == {1}


def test_what_changes_nothing_is_not_noted(acme: Tenant) -> None:
    message, other = delivered(3), delivered(3)
    record_events([hit(message, OPEN)])
    assert waiting() == 0
    assert build_deeds()
    record_events([hit(message, OPEN, LONG_AFTER + 5), hit(message, OPEN, who=1, agent="Mozilla/5.0")])
    assert waiting() == 0
    record_events([hit(message, OPEN, who=n) for n in range(3)] + [hit(other, OPEN)])
    assert waiting() == 3  # of the first message two, and the other's


@pytest.mark.parametrize("built", [False, True])
def test_a_recorder_at_work_while_bits_are_made_is_not_missed(live_tenant: Tenant, built: bool) -> None:
    message = delivered(5)
    if built:
        assert build_deeds()
    result: list[bool] = []

    def build() -> None:
        tenant_connection.set_tenant(live_tenant)
        try:
            result.append(build_deeds())
        finally:
            connection.close()

    builder = threading.Thread(target=build)
    with transaction.atomic():
        record_events([hit(message, OPEN, who=2)])
        builder.start()
        builder.join(30 if built else 0.5)
        assert builder.is_alive() is not built  # the first time it waits for the recorder's turn to end
    builder.join()
    assert result == [True]
    assert who(message, Kind.OPENED, bits=True) == {2}
