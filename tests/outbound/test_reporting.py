"""Counts of messages, on the tables that a real sending left behind."""

import pytest

from outbound.models import Message
from outbound.reporting import Counts, bounces_of, counts_of
from outbound.services import work_on
from tests.outbound.engine_cast import Provider, make_contacts, make_due, start_mailing

pytestmark = pytest.mark.usefixtures("live_tenant")


def refuse_some(verb: str, argument: str) -> str | None:
    if verb != "RCPT":
        return None
    if "user1@" in argument:
        return "550 5.1.1 no such user"
    if "user2@" in argument:
        return "552 5.2.2 mailbox full"
    return "451 4.7.1 come back" if "user3@" in argument else None


def turn(message: Message) -> Counts:
    work_on(message.pk, stop=lambda: False, slice_seconds=20)
    counts = counts_of([message.pk])[message.pk]
    shown = counts.queued + counts.sent + counts.deferred + counts.bounced + counts.failed + counts.suppressed
    assert shown + counts.in_doubt + counts.cancelled == counts.total
    return counts


def test_counts_add_up_before_during_and_after_retries() -> None:
    make_contacts(30)
    with Provider(refuse_some) as provider:
        message = start_mailing(provider.account())
        assert counts_of([message.pk]) == {message.pk: Counts(total=30)}
        assert counts_of([message.pk])[message.pk].queued == 30
        for _ in range(3):
            assert turn(message) == Counts(total=30, sent=27, deferred=1, bounced=2)
            make_due(message)
    bounces = bounces_of([message.pk])[message.pk]
    assert (bounces.hard, bounces.soft, bounces.complained) == (1, 1, 0)


def test_messages_that_do_not_exist_are_left_out() -> None:
    assert counts_of([987_654]) == {}
    assert bounces_of([987_654]) == {}
